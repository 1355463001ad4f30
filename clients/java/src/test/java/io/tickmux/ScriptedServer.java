package io.tickmux;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.tickmux.v1.GetSnapshotRequest;
import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.ListInstrumentsRequest;
import io.tickmux.v1.ListInstrumentsResponse;
import io.tickmux.v1.ListSourcesRequest;
import io.tickmux.v1.ListSourcesResponse;
import io.tickmux.v1.MarketDataServiceGrpc;
import io.tickmux.v1.SubscribeRequest;
import io.tickmux.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** A real server of the contract, on a port of this machine, that plays a script. */
final class ScriptedServer implements AutoCloseable {
    /** Ends a test that would hang. */
    static final long LIMIT_S = 30;

    /**
     * One call of Subscribe as the server sees it.
     *
     * @param turnsReady released whenever the client takes more again
     */
    record Call(ServerCallStreamObserver<SubscribeResponse> stream, CountDownLatch isGone, Semaphore turnsReady) {}

    /** What a call does next. */
    interface Step {
        void play(Call call) throws InterruptedException;
    }

    /** What one call does until its end. */
    record Script(List<Step> steps) {}

    /** What answers a request. */
    interface Answer<Q, A> {
        A to(Q request) throws InterruptedException;
    }

    private final Server server;
    private final List<Script> calls;
    private final ExecutorService players = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "scripted");
        thread.setDaemon(true);
        return thread;
    });
    private final Phaser open = new Phaser(1);
    final List<SubscribeRequest> requests = new CopyOnWriteArrayList<>();
    final List<Metadata> metadata = new CopyOnWriteArrayList<>();
    volatile Answer<GetSnapshotRequest, GetSnapshotResponse> snapshot = request -> {
        throw Status.UNIMPLEMENTED.asRuntimeException();
    };
    volatile Answer<ListInstrumentsRequest, ListInstrumentsResponse> instruments = request -> {
        throw Status.UNIMPLEMENTED.asRuntimeException();
    };
    volatile ListSourcesResponse sources = ListSourcesResponse.getDefaultInstance();

    /** Plays one call for each Subscribe in turn; the last one repeats. */
    ScriptedServer(Script... calls) throws IOException {
        this(0, InsecureServerCredentials.create(), calls);
    }

    /** Listens on a port (0: any that is free), with TLS if the credentials say so. */
    ScriptedServer(int port, ServerCredentials credentials, Script... calls) throws IOException {
        this.calls = List.of(calls);
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port), credentials)
                .addService(new Service())
                .intercept(new MetadataKeeper())
                .build()
                .start();
    }

    /** Sends responses, and plays steps. */
    static Script call(Object... steps) {
        return new Script(Arrays.stream(steps)
                .map(step -> step instanceof SubscribeResponse response ? send(response) : (Step) step)
                .toList());
    }

    static Step send(SubscribeResponse response) {
        return call -> call.stream.onNext(response);
    }

    /** Keeps the call open without a word, until the client is gone. */
    static Step hang() {
        return call -> call.isGone.await();
    }

    /** Waits for the test. */
    static Step await(CountDownLatch latch) {
        return call -> latch.await();
    }

    static Step fail(StatusRuntimeException error) {
        return call -> {
            throw error;
        };
    }

    /** Ends the call as a broken connection would. */
    static Step cut() {
        return fail(error(Status.UNAVAILABLE, "scripted"));
    }

    /** An error of a call, with the details of google.rpc. */
    static StatusRuntimeException error(Status status, String message, Message... details) {
        var rich = com.google.rpc.Status.newBuilder()
                .setCode(status.getCode().value())
                .setMessage(message)
                .addAllDetails(Stream.of(details).map(Any::pack).toList())
                .build();
        Metadata trailers = new Metadata();
        trailers.put(RpcFailures.DETAILS, rich.toByteArray());
        return status.withDescription(message).asRuntimeException(trailers);
    }

    String target() {
        return "127.0.0.1:" + server.getPort();
    }

    /** The tokens that the requests of Subscribe came with. */
    List<String> tokens() {
        return requests.stream().map(SubscribeRequest::getResumeToken).toList();
    }

    /** Returns once no Subscribe is open. */
    void awaitClosed() throws InterruptedException, TimeoutException {
        open.awaitAdvanceInterruptibly(open.arrive(), LIMIT_S, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        server.shutdownNow();
        players.shutdownNow();
        try {
            server.awaitTermination(LIMIT_S, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Service extends MarketDataServiceGrpc.MarketDataServiceImplBase {
        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> responses) {
            var stream = (ServerCallStreamObserver<SubscribeResponse>) responses;
            Call call = new Call(stream, new CountDownLatch(1), new Semaphore(0));
            stream.setOnCancelHandler(call.isGone::countDown);
            stream.setOnReadyHandler(call.turnsReady::release);
            Script script;
            synchronized (calls) {
                requests.add(request);
                script = calls.get(Math.min(requests.size(), calls.size()) - 1);
            }
            open.register();
            players.execute(() -> play(script, call));
        }

        private void play(Script script, Call call) {
            try {
                for (Step step : script.steps()) {
                    step.play(call);
                }
                call.stream.onCompleted();
            } catch (StatusRuntimeException error) {
                call.stream.onError(error);
            } catch (InterruptedException | IllegalStateException over) {
                // The server stops, or the call is over.
                call.isGone.countDown();
            } finally {
                open.arriveAndDeregister();
            }
        }

        @Override
        public void getSnapshot(GetSnapshotRequest request, StreamObserver<GetSnapshotResponse> answer) {
            answer(snapshot, request, answer);
        }

        @Override
        public void listInstruments(ListInstrumentsRequest request, StreamObserver<ListInstrumentsResponse> answer) {
            answer(instruments, request, answer);
        }

        @Override
        public void listSources(ListSourcesRequest request, StreamObserver<ListSourcesResponse> answer) {
            answer(ignored -> sources, request, answer);
        }

        private <Q, A> void answer(Answer<Q, A> answering, Q request, StreamObserver<A> observer) {
            players.execute(() -> {
                try {
                    observer.onNext(answering.to(request));
                    observer.onCompleted();
                } catch (StatusRuntimeException error) {
                    observer.onError(error);
                } catch (InterruptedException over) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }

    private final class MetadataKeeper implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            metadata.add(headers);
            return next.startCall(call, headers);
        }
    }
}
