// Package worker is the answering side of benchmarks/workers.py: a line of JSON on stdin, an answer on stdout.
package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Run answers requests until stdin closes, and then ends the process; an error ends it too, with its words on stderr.
func Run[Request any](answer func(Request) (any, error)) {
	if err := serve(os.Stdin, os.Stdout, answer); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		os.Exit(1)
	}
}

func serve[Request any](requests io.Reader, answers io.Writer, answer func(Request) (any, error)) error {
	decoder := json.NewDecoder(bufio.NewReader(requests))
	encoder := json.NewEncoder(answers)
	for {
		var request Request
		if err := decoder.Decode(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a request cannot be read: %w", err)
		}
		answered, err := answer(request)
		if err != nil {
			return err
		}
		if err := encoder.Encode(answered); err != nil {
			return fmt.Errorf("an answer cannot be written: %w", err)
		}
	}
}

// CPUSeconds is what this process has spent so far, all threads together.
func CPUSeconds() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("the CPU time of this process cannot be read: %w", err)
	}
	return (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds(), nil
}

// Unknown is the error of a request that a program has no answer to.
func Unknown(do string) error { return fmt.Errorf("no answer to %q", do) }

// RaiseFileLimit lets this process have as many files open as it may: each connection is one.
func RaiseFileLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of open files cannot be read: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of open files cannot be raised: %w", err)
	}
	return nil
}
