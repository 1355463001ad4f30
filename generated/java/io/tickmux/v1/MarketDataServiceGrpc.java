package io.tickmux.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Normalised market data of many venues.
 * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
 * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
 * A server that asks for tokens answers no call, of this or any other service, without the metadata
 * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
 * before. A token that is for some sources only narrows every selection to them; naming another one is
 * PERMISSION_DENIED, with google.rpc.BadRequest.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MarketDataServiceGrpc {

  private MarketDataServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tickmux.v1.MarketDataService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tickmux.v1.GetSnapshotRequest,
      io.tickmux.v1.GetSnapshotResponse> getGetSnapshotMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetSnapshot",
      requestType = io.tickmux.v1.GetSnapshotRequest.class,
      responseType = io.tickmux.v1.GetSnapshotResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tickmux.v1.GetSnapshotRequest,
      io.tickmux.v1.GetSnapshotResponse> getGetSnapshotMethod() {
    io.grpc.MethodDescriptor<io.tickmux.v1.GetSnapshotRequest, io.tickmux.v1.GetSnapshotResponse> getGetSnapshotMethod;
    if ((getGetSnapshotMethod = MarketDataServiceGrpc.getGetSnapshotMethod) == null) {
      synchronized (MarketDataServiceGrpc.class) {
        if ((getGetSnapshotMethod = MarketDataServiceGrpc.getGetSnapshotMethod) == null) {
          MarketDataServiceGrpc.getGetSnapshotMethod = getGetSnapshotMethod =
              io.grpc.MethodDescriptor.<io.tickmux.v1.GetSnapshotRequest, io.tickmux.v1.GetSnapshotResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetSnapshot"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.GetSnapshotRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.GetSnapshotResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MarketDataServiceMethodDescriptorSupplier("GetSnapshot"))
              .build();
        }
      }
    }
    return getGetSnapshotMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tickmux.v1.SubscribeRequest,
      io.tickmux.v1.SubscribeResponse> getSubscribeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Subscribe",
      requestType = io.tickmux.v1.SubscribeRequest.class,
      responseType = io.tickmux.v1.SubscribeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.tickmux.v1.SubscribeRequest,
      io.tickmux.v1.SubscribeResponse> getSubscribeMethod() {
    io.grpc.MethodDescriptor<io.tickmux.v1.SubscribeRequest, io.tickmux.v1.SubscribeResponse> getSubscribeMethod;
    if ((getSubscribeMethod = MarketDataServiceGrpc.getSubscribeMethod) == null) {
      synchronized (MarketDataServiceGrpc.class) {
        if ((getSubscribeMethod = MarketDataServiceGrpc.getSubscribeMethod) == null) {
          MarketDataServiceGrpc.getSubscribeMethod = getSubscribeMethod =
              io.grpc.MethodDescriptor.<io.tickmux.v1.SubscribeRequest, io.tickmux.v1.SubscribeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Subscribe"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.SubscribeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.SubscribeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MarketDataServiceMethodDescriptorSupplier("Subscribe"))
              .build();
        }
      }
    }
    return getSubscribeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tickmux.v1.ListInstrumentsRequest,
      io.tickmux.v1.ListInstrumentsResponse> getListInstrumentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListInstruments",
      requestType = io.tickmux.v1.ListInstrumentsRequest.class,
      responseType = io.tickmux.v1.ListInstrumentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tickmux.v1.ListInstrumentsRequest,
      io.tickmux.v1.ListInstrumentsResponse> getListInstrumentsMethod() {
    io.grpc.MethodDescriptor<io.tickmux.v1.ListInstrumentsRequest, io.tickmux.v1.ListInstrumentsResponse> getListInstrumentsMethod;
    if ((getListInstrumentsMethod = MarketDataServiceGrpc.getListInstrumentsMethod) == null) {
      synchronized (MarketDataServiceGrpc.class) {
        if ((getListInstrumentsMethod = MarketDataServiceGrpc.getListInstrumentsMethod) == null) {
          MarketDataServiceGrpc.getListInstrumentsMethod = getListInstrumentsMethod =
              io.grpc.MethodDescriptor.<io.tickmux.v1.ListInstrumentsRequest, io.tickmux.v1.ListInstrumentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListInstruments"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.ListInstrumentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.ListInstrumentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MarketDataServiceMethodDescriptorSupplier("ListInstruments"))
              .build();
        }
      }
    }
    return getListInstrumentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tickmux.v1.ListSourcesRequest,
      io.tickmux.v1.ListSourcesResponse> getListSourcesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListSources",
      requestType = io.tickmux.v1.ListSourcesRequest.class,
      responseType = io.tickmux.v1.ListSourcesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tickmux.v1.ListSourcesRequest,
      io.tickmux.v1.ListSourcesResponse> getListSourcesMethod() {
    io.grpc.MethodDescriptor<io.tickmux.v1.ListSourcesRequest, io.tickmux.v1.ListSourcesResponse> getListSourcesMethod;
    if ((getListSourcesMethod = MarketDataServiceGrpc.getListSourcesMethod) == null) {
      synchronized (MarketDataServiceGrpc.class) {
        if ((getListSourcesMethod = MarketDataServiceGrpc.getListSourcesMethod) == null) {
          MarketDataServiceGrpc.getListSourcesMethod = getListSourcesMethod =
              io.grpc.MethodDescriptor.<io.tickmux.v1.ListSourcesRequest, io.tickmux.v1.ListSourcesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListSources"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.ListSourcesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tickmux.v1.ListSourcesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MarketDataServiceMethodDescriptorSupplier("ListSources"))
              .build();
        }
      }
    }
    return getListSourcesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MarketDataServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceStub>() {
        @java.lang.Override
        public MarketDataServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MarketDataServiceStub(channel, callOptions);
        }
      };
    return MarketDataServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MarketDataServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceBlockingV2Stub>() {
        @java.lang.Override
        public MarketDataServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MarketDataServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return MarketDataServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MarketDataServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceBlockingStub>() {
        @java.lang.Override
        public MarketDataServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MarketDataServiceBlockingStub(channel, callOptions);
        }
      };
    return MarketDataServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MarketDataServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MarketDataServiceFutureStub>() {
        @java.lang.Override
        public MarketDataServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MarketDataServiceFutureStub(channel, callOptions);
        }
      };
    return MarketDataServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Answers the latest quote of every selected instrument, with the health of their sources, in pages.
     * </pre>
     */
    default void getSnapshot(io.tickmux.v1.GetSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.GetSnapshotResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetSnapshotMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the state of the selected instruments first and every update after it, without a hole between the two, until
     * the client or the server ends the call.
     * </pre>
     */
    default void subscribe(io.tickmux.v1.SubscribeRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.SubscribeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSubscribeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the selected instruments, whether or not they have a quote yet.
     * </pre>
     */
    default void listInstruments(io.tickmux.v1.ListInstrumentsRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.ListInstrumentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListInstrumentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists every configured source with its health, and `consolidated` if it is served.
     * </pre>
     */
    default void listSources(io.tickmux.v1.ListSourcesRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.ListSourcesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListSourcesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service MarketDataService.
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public static abstract class MarketDataServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MarketDataServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service MarketDataService.
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public static final class MarketDataServiceStub
      extends io.grpc.stub.AbstractAsyncStub<MarketDataServiceStub> {
    private MarketDataServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MarketDataServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MarketDataServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Answers the latest quote of every selected instrument, with the health of their sources, in pages.
     * </pre>
     */
    public void getSnapshot(io.tickmux.v1.GetSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.GetSnapshotResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetSnapshotMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the state of the selected instruments first and every update after it, without a hole between the two, until
     * the client or the server ends the call.
     * </pre>
     */
    public void subscribe(io.tickmux.v1.SubscribeRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.SubscribeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getSubscribeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the selected instruments, whether or not they have a quote yet.
     * </pre>
     */
    public void listInstruments(io.tickmux.v1.ListInstrumentsRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.ListInstrumentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListInstrumentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists every configured source with its health, and `consolidated` if it is served.
     * </pre>
     */
    public void listSources(io.tickmux.v1.ListSourcesRequest request,
        io.grpc.stub.StreamObserver<io.tickmux.v1.ListSourcesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListSourcesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service MarketDataService.
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public static final class MarketDataServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MarketDataServiceBlockingV2Stub> {
    private MarketDataServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MarketDataServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MarketDataServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Answers the latest quote of every selected instrument, with the health of their sources, in pages.
     * </pre>
     */
    public io.tickmux.v1.GetSnapshotResponse getSnapshot(io.tickmux.v1.GetSnapshotRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the state of the selected instruments first and every update after it, without a hole between the two, until
     * the client or the server ends the call.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.tickmux.v1.SubscribeResponse>
        subscribe(io.tickmux.v1.SubscribeRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getSubscribeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the selected instruments, whether or not they have a quote yet.
     * </pre>
     */
    public io.tickmux.v1.ListInstrumentsResponse listInstruments(io.tickmux.v1.ListInstrumentsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListInstrumentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every configured source with its health, and `consolidated` if it is served.
     * </pre>
     */
    public io.tickmux.v1.ListSourcesResponse listSources(io.tickmux.v1.ListSourcesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListSourcesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service MarketDataService.
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public static final class MarketDataServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MarketDataServiceBlockingStub> {
    private MarketDataServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MarketDataServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MarketDataServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Answers the latest quote of every selected instrument, with the health of their sources, in pages.
     * </pre>
     */
    public io.tickmux.v1.GetSnapshotResponse getSnapshot(io.tickmux.v1.GetSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the state of the selected instruments first and every update after it, without a hole between the two, until
     * the client or the server ends the call.
     * </pre>
     */
    public java.util.Iterator<io.tickmux.v1.SubscribeResponse> subscribe(
        io.tickmux.v1.SubscribeRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getSubscribeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the selected instruments, whether or not they have a quote yet.
     * </pre>
     */
    public io.tickmux.v1.ListInstrumentsResponse listInstruments(io.tickmux.v1.ListInstrumentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListInstrumentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every configured source with its health, and `consolidated` if it is served.
     * </pre>
     */
    public io.tickmux.v1.ListSourcesResponse listSources(io.tickmux.v1.ListSourcesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListSourcesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service MarketDataService.
   * <pre>
   * Normalised market data of many venues.
   * Every error of the service carries google.rpc.ErrorInfo with a reason and the domain `tickmux`; INVALID_ARGUMENT also
   * google.rpc.BadRequest; UNAVAILABLE and RESOURCE_EXHAUSTED also google.rpc.RetryInfo.
   * A server that asks for tokens answers no call, of this or any other service, without the metadata
   * `authorization: Bearer TOKEN`: UNAUTHENTICATED, also on a stream whose token is revoked, expires or allows less than
   * before. A token that is for some sources only narrows every selection to them; naming another one is
   * PERMISSION_DENIED, with google.rpc.BadRequest.
   * </pre>
   */
  public static final class MarketDataServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<MarketDataServiceFutureStub> {
    private MarketDataServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MarketDataServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MarketDataServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Answers the latest quote of every selected instrument, with the health of their sources, in pages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tickmux.v1.GetSnapshotResponse> getSnapshot(
        io.tickmux.v1.GetSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetSnapshotMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the selected instruments, whether or not they have a quote yet.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tickmux.v1.ListInstrumentsResponse> listInstruments(
        io.tickmux.v1.ListInstrumentsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListInstrumentsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists every configured source with its health, and `consolidated` if it is served.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tickmux.v1.ListSourcesResponse> listSources(
        io.tickmux.v1.ListSourcesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListSourcesMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_SNAPSHOT = 0;
  private static final int METHODID_SUBSCRIBE = 1;
  private static final int METHODID_LIST_INSTRUMENTS = 2;
  private static final int METHODID_LIST_SOURCES = 3;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_SNAPSHOT:
          serviceImpl.getSnapshot((io.tickmux.v1.GetSnapshotRequest) request,
              (io.grpc.stub.StreamObserver<io.tickmux.v1.GetSnapshotResponse>) responseObserver);
          break;
        case METHODID_SUBSCRIBE:
          serviceImpl.subscribe((io.tickmux.v1.SubscribeRequest) request,
              (io.grpc.stub.StreamObserver<io.tickmux.v1.SubscribeResponse>) responseObserver);
          break;
        case METHODID_LIST_INSTRUMENTS:
          serviceImpl.listInstruments((io.tickmux.v1.ListInstrumentsRequest) request,
              (io.grpc.stub.StreamObserver<io.tickmux.v1.ListInstrumentsResponse>) responseObserver);
          break;
        case METHODID_LIST_SOURCES:
          serviceImpl.listSources((io.tickmux.v1.ListSourcesRequest) request,
              (io.grpc.stub.StreamObserver<io.tickmux.v1.ListSourcesResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetSnapshotMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tickmux.v1.GetSnapshotRequest,
              io.tickmux.v1.GetSnapshotResponse>(
                service, METHODID_GET_SNAPSHOT)))
        .addMethod(
          getSubscribeMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.tickmux.v1.SubscribeRequest,
              io.tickmux.v1.SubscribeResponse>(
                service, METHODID_SUBSCRIBE)))
        .addMethod(
          getListInstrumentsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tickmux.v1.ListInstrumentsRequest,
              io.tickmux.v1.ListInstrumentsResponse>(
                service, METHODID_LIST_INSTRUMENTS)))
        .addMethod(
          getListSourcesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tickmux.v1.ListSourcesRequest,
              io.tickmux.v1.ListSourcesResponse>(
                service, METHODID_LIST_SOURCES)))
        .build();
  }

  private static abstract class MarketDataServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    MarketDataServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tickmux.v1.MarketDataServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("MarketDataService");
    }
  }

  private static final class MarketDataServiceFileDescriptorSupplier
      extends MarketDataServiceBaseDescriptorSupplier {
    MarketDataServiceFileDescriptorSupplier() {}
  }

  private static final class MarketDataServiceMethodDescriptorSupplier
      extends MarketDataServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    MarketDataServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (MarketDataServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new MarketDataServiceFileDescriptorSupplier())
              .addMethod(getGetSnapshotMethod())
              .addMethod(getSubscribeMethod())
              .addMethod(getListInstrumentsMethod())
              .addMethod(getListSourcesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
