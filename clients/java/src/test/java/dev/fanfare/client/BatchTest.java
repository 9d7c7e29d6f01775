package dev.fanfare.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import dev.fanfare.push.v1.BatchProgress;
import dev.fanfare.push.v1.Delivery;
import dev.fanfare.push.v1.Options;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.SendBatchRequest;
import dev.fanfare.push.v1.SendBatchResponse;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each push of a batch ends once, however its streams end. */
@Timeout(60)
class BatchTest {
  private static final int PUSHES = 5;

  /** One stream at the gateway. What it is to do is called when all pushes that are sent to it have come. */
  private static final class Stream implements StreamObserver<SendBatchRequest> {
    private final StreamObserver<SendBatchResponse> answers;
    private final Consumer<Stream> end;
    private final int wanted;
    private final List<Push> read = new ArrayList<>();
    private boolean over;

    Stream(StreamObserver<SendBatchResponse> answers, Consumer<Stream> end, int wanted) {
      this.answers = answers;
      this.end = end;
      this.wanted = wanted;
    }

    @Override
    public void onNext(SendBatchRequest message) {
      read.addAll(message.getPushesList());
      if (read.size() >= wanted) finish();
    }

    @Override
    public void onCompleted() {
      finish();
    }

    @Override
    public void onError(Throwable gone) {}

    private void finish() {
      if (over) return;
      over = true;
      end.accept(this);
    }

    Stream answer(int count, Delivery delivery) {
      var message = SendBatchResponse.newBuilder();
      for (int index = 0; index < count; index++) {
        message.addResults(PushResult.newBuilder().setIndex(index).setId(read.get(index).getId()).setDelivery(delivery));
      }
      answers.onNext(message.build());
      return this;
    }

    Stream progress(int read, boolean draining) {
      answers.onNext(SendBatchResponse.newBuilder()
          .setProgress(BatchProgress.newBuilder().setItemsRead(read).setDraining(draining))
          .build());
      return this;
    }
  }

  private static void good(Stream stream) {
    stream.answer(stream.read.size(), Delivery.DELIVERY_ACCEPTED).progress(stream.read.size(), false).answers.onCompleted();
  }

  private static void lost(Stream stream) {
    stream.answer(1, Delivery.DELIVERY_ACCEPTED).progress(2, false).answers.onError(
        Status.UNAVAILABLE.withDescription("the connection is lost").asRuntimeException());
  }

  private static StatusRuntimeException own(Status.Code code, String reason) {
    return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
        .setCode(code.value())
        .addDetails(Any.pack(ErrorInfo.newBuilder().setDomain("push.fanfare.dev").setReason(reason).build()))
        .build());
  }

  /** What became of a batch: the first letters of how its pushes ended, in their order, and what else is to be seen. */
  private record Seen(String ended, Status.Code failed, int streams, List<Result> results) {}

  /**
   * Sends a batch to a gateway whose streams end so, one after the other; the last one stands for all that follow. The first
   * streams may be refused, which is that they end before they have begun.
   */
  @SafeVarargs
  private static Seen send(boolean repeatable, int refusals, Consumer<Stream>... script) throws Exception {
    AtomicInteger streams = new AtomicInteger();
    var service = new PushServiceGrpc.PushServiceImplBase() {
      @Override
      public StreamObserver<SendBatchRequest> sendBatch(StreamObserver<SendBatchResponse> answers) {
        int number = streams.getAndIncrement();
        int wanted = number == 0 ? PUSHES : PUSHES + 1;
        var stream = new Stream(answers, script[Math.min(number, script.length - 1)], wanted);
        if (number < refusals) stream.finish();
        return stream;
      }
    };
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus(PushServiceGrpc.SERVICE_NAME, io.grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING);
    Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
        .addService(ServerInterceptors.intercept(service.bindService(), new Begins(refusals)))
        .addService(health.getHealthService())
        .build()
        .start();
    var results = new ArrayList<Result>();
    Status.Code failed = Status.Code.OK;
    try (Client client = Client.builder("127.0.0.1:" + server.getPort()).plaintext().build()) {
      var pushes = IntStream.range(0, PUSHES)
          .mapToObj(n -> Push.newBuilder().setId("" + n).setOptions(Options.newBuilder().setRepeatable(repeatable)).build());
      client.sendBatch(pushes.iterator(), results::add);
    } catch (StatusRuntimeException error) {
      failed = error.getStatus().getCode();
    } finally {
      server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
    var ends = new TreeMap<String, String>();
    for (Result result : results) {
      assertNull(ends.put(result.push().getId(), result.getClass().getSimpleName().substring(0, 1)), "it has two results");
    }
    return new Seen(String.join("", ends.values()), failed, streams.get(), results);
  }

  /** Sends headers when a call comes, as a gateway does that takes it; a number of calls is not taken. */
  private static final class Begins implements ServerInterceptor {
    private final AtomicInteger refusals;

    Begins(int refusals) {
      this.refusals = new AtomicInteger(refusals);
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      if (refusals.getAndDecrement() > 0) return next.startCall(call, headers);
      call.sendHeaders(new Metadata());
      return next.startCall(new ForwardingServerCall.SimpleForwardingServerCall<>(call) {
        @Override
        public void sendHeaders(Metadata again) {}
      }, headers);
    }
  }

  private static void assertEnds(String ended, Status.Code failed, int streams, Seen seen) {
    assertEquals(Arrays.asList(ended, failed, streams), Arrays.asList(seen.ended, seen.failed, seen.streams));
  }

  @Test
  void allIsWell() throws Exception {
    assertEnds("AAAAA", Status.Code.OK, 1, send(false, 0, BatchTest::good));
  }

  @Test
  void aGatewayDrainsAndHasNotReadAll() throws Exception {
    Consumer<Stream> drains = stream -> stream.answer(2, Delivery.DELIVERY_ACCEPTED).progress(2, true).answers.onCompleted();
    assertEnds("AAAAA", Status.Code.OK, 2, send(false, 0, drains, BatchTest::good));
  }

  @Test
  void aGatewayDoesNotWaitForTheReader() throws Exception {
    Consumer<Stream> ends = stream -> stream.answer(1, Delivery.DELIVERY_ACCEPTED).progress(3, false)
        .answers.onError(own(Status.Code.ABORTED, "CLIENT_NOT_READING"));
    assertEnds("AUUAA", Status.Code.OK, 2, send(false, 0, ends, BatchTest::good));
  }

  @Test
  void aConnectionIsLostWhateverWasSaidOfProgress() throws Exception {
    assertEnds("AUUUU", Status.Code.OK, 1, send(false, 0, BatchTest::lost, BatchTest::good));
  }

  @Test
  void pushesThatMayBeRepeatedAreSentAgain() throws Exception {
    Consumer<Stream> refuses = stream -> stream.answer(stream.read.size(), Delivery.DELIVERY_NO)
        .progress(stream.read.size(), false).answers.onCompleted();
    Seen seen = send(true, 0, BatchTest::lost, refuses);
    assertEnds("AAAAA", Status.Code.OK, 2, seen);
    // The stream that was lost may have sent them.
    assertEquals(4, seen.results.stream()
        .filter(result -> ((Result.Answered) result).verdict().getDelivery() == Delivery.DELIVERY_MAYBE).count());
  }

  @Test
  void aGatewayIsFullAtFirst() throws Exception {
    Consumer<Stream> full = stream -> stream.answers.onError(own(Status.Code.ABORTED, "OVERLOADED"));
    assertEnds("AAAAA", Status.Code.OK, 2, send(false, 1, full, BatchTest::good));
  }

  @Test
  void aGatewayDoesNotKnowTheCaller() throws Exception {
    Seen seen = send(false, 1, stream -> stream.answers.onError(own(Status.Code.UNAUTHENTICATED, "CALLER_UNKNOWN")));
    assertEquals(Status.Code.UNAUTHENTICATED, seen.failed);
    assertEquals(1, seen.streams);
    assertTrue(seen.ended.matches("N*"), seen.ended);
  }

  @Test
  void aMessageThatIsTooLargeWasNotRead() throws Exception {
    Consumer<Stream> refuses = stream -> stream.answer(1, Delivery.DELIVERY_ACCEPTED).progress(2, false)
        .answers.onError(own(Status.Code.OUT_OF_RANGE, "FIELD_TOO_LARGE"));
    assertEnds("AUNNN", Status.Code.OUT_OF_RANGE, 1, send(false, 0, refuses));
  }

  @Test
  void aGatewayReadsNothingTimeAndAgain() throws Exception {
    assertEnds("NNNNN", Status.Code.OK, 5, send(false, 0, stream -> stream.progress(0, true).answers.onCompleted()));
  }
}
