package tickmux

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What kind of trouble an [Error] is, for errors.Is.
var (
	// ErrInvalidRequest: the request cannot be served as it is, however often it is sent; Error.Violations say why.
	ErrInvalidRequest = errors.New("tickmux: invalid request")
	// ErrAccessDenied: the server does not know the caller, or does not allow what was asked.
	ErrAccessDenied = errors.New("tickmux: access denied")
	// ErrUnimplemented: the server does not offer what was asked.
	ErrUnimplemented = errors.New("tickmux: not offered by the server")
	// ErrUnavailable: the server cannot be reached or cannot serve now. Subscriptions try again by themselves.
	ErrUnavailable = errors.New("tickmux: unavailable")
	// ErrClosed: the client was used after its Close.
	ErrClosed = errors.New("tickmux: the client is closed")
)

// Machine-readable reasons that the client itself gives.
const (
	// ReasonHeartbeatsMissed: the server was silent for three heartbeats.
	ReasonHeartbeatsMissed = "HEARTBEATS_MISSED"
	// ReasonStreamEnded: the server ended a stream without an error.
	ReasonStreamEnded = "STREAM_ENDED"
	// ReasonMalformedResponse: the server sent bytes that are no message of the contract.
	ReasonMalformedResponse = "MALFORMED_RESPONSE"
	// ReasonInvalidOption: options of a call do not go together, or one has an impossible value.
	ReasonInvalidOption = "INVALID_OPTION"
	// ReasonTooFarBehind is given by the server when it ends a DeliverAllOrEnd stream instead of conflating it.
	ReasonTooFarBehind = "CLIENT_TOO_FAR_BEHIND"
)

// Error is what went wrong, in one line that says what to do or what happened, with its parts as fields.
//
// errors.Is tells its kind (ErrInvalidRequest, ErrAccessDenied, ErrUnimplemented, ErrUnavailable, ErrClosed), and
// errors.As finds it. It wraps the gRPC error, so that status.FromError works as well.
type Error struct {
	// Code is the gRPC status of the failed call.
	Code codes.Code
	// Reason is machine-readable, such as UNKNOWN_SOURCE; empty if the server gave none.
	Reason string
	// RetryAfter is how long the server asks to wait before the next try; 0 if it does not say.
	RetryAfter time.Duration
	// Violations say what is wrong with the request, in the order of the server.
	Violations []Violation
	// ResumeToken says where a subscription that this error ended can go on, once its cause is gone; empty if nowhere.
	ResumeToken string

	kind    error
	message string
	cause   error
}

// Violation is what is wrong with one field of a request.
type Violation struct {
	Field       string
	Description string
}

// Error is one line.
func (e *Error) Error() string { return e.message }

// Is tells the kind.
func (e *Error) Is(target error) bool { return target == e.kind }

// Unwrap gives the gRPC error; nil if there was none.
func (e *Error) Unwrap() error { return e.cause }

// kinds of errors that the same call would meet again; every other status may heal.
var kinds = map[codes.Code]error{
	codes.InvalidArgument:    ErrInvalidRequest,
	codes.NotFound:           ErrInvalidRequest,
	codes.FailedPrecondition: ErrInvalidRequest,
	codes.OutOfRange:         ErrInvalidRequest,
	codes.Unauthenticated:    ErrAccessDenied,
	codes.PermissionDenied:   ErrAccessDenied,
	codes.Unimplemented:      ErrUnimplemented,
}

// noConnection is what grpc puts around the reason why a target cannot be reached.
var noConnection = regexp.MustCompile(`^(?:last connection error: )?connection error: desc = "(?:transport: )?(.*)"$`)

// noMessage begins what grpc itself says, with the code INTERNAL, of bytes that it cannot parse.
const noMessage = "grpc: failed to unmarshal the received message"

// fromRPC translates what grpc answered for a call to target, with the google.rpc details that came along.
func fromRPC(cause error, target string) *Error {
	answer := status.Convert(cause)
	failure := &Error{Code: answer.Code(), kind: kinds[answer.Code()], cause: cause}
	if failure.kind == nil {
		failure.kind = ErrUnavailable
	}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = detail.GetReason()
			failure.ResumeToken = detail.GetMetadata()["resume_token"]
		case *errdetails.RetryInfo:
			failure.RetryAfter = max(0, detail.GetRetryDelay().AsDuration())
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	if failure.Code == codes.Internal && strings.HasPrefix(answer.Message(), noMessage) {
		failure.Reason = ReasonMalformedResponse
		failure.message = target + " sent a malformed message"
		return failure
	}
	text := noConnection.ReplaceAllString(strings.Join(strings.Fields(answer.Message()), " "), "$1")
	parts := []string{fmt.Sprintf("%s from %s", code.Code(answer.Code()), target), text}
	for _, violation := range failure.Violations {
		if !strings.Contains(text, violation.Description) {
			parts = append(parts, violation.Field+": "+violation.Description)
		}
	}
	failure.message = strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
	return failure
}

func closedError(target string) *Error {
	return &Error{
		Code: codes.Canceled, kind: ErrClosed,
		message: fmt.Sprintf("the client of %s is closed: make calls before its Close", target),
	}
}

func optionError(format string, arguments ...any) *Error {
	return &Error{
		Code: codes.InvalidArgument, Reason: ReasonInvalidOption, kind: ErrInvalidRequest,
		message: fmt.Sprintf(format, arguments...),
	}
}

// endedByContext is the error of a call whose context has ended.
func endedByContext(ctx context.Context, target string) error {
	ended, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, ended) {
		return fmt.Errorf("the call to %s was given up: %w", target, cause)
	}
	return fmt.Errorf("the call to %s was given up: %w: %w", target, ended, cause)
}
