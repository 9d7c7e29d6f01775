package dev.fanfare.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fanfare.push.v1.Options;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.SendBatchRequest;
import dev.fanfare.push.v1.SendBatchResponse;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers do in the middle of a batch. The gateway answers one push whenever its connection has room. */
@Timeout(60)
class MiddleTest {
  private static final int PUSHES = 5;
  private static final long PATIENCE_SECONDS = 20;

  private final CountDownLatch answered = new CountDownLatch(PUSHES);
  private int answers = PUSHES;
  private int detail;
  private Server server;
  private Client client;

  private final class Call extends ServerCall.Listener<SendBatchRequest> {
    private final ServerCall<SendBatchRequest, SendBatchResponse> call;
    private int read;
    private int said;
    private boolean over;

    Call(ServerCall<SendBatchRequest, SendBatchResponse> call) {
      this.call = call;
      call.sendHeaders(new Metadata());
      call.request(1);
    }

    @Override
    public void onMessage(SendBatchRequest message) {
      read += message.getPushesCount();
      onReady();
      call.request(1);
    }

    @Override
    public void onReady() {
      for (; said < Math.min(read, answers) && call.isReady(); said++) {
        var result = PushResult.newBuilder().setIndex(said).setDetail("x".repeat(detail));
        call.sendMessage(SendBatchResponse.newBuilder().addResults(result).build());
        answered.countDown();
      }
      if (!over || said < read) return;
      over = false;
      call.close(Status.OK, new Metadata());
    }

    @Override
    public void onHalfClose() {
      over = true;
      onReady();
    }
  }

  @BeforeEach
  void start() throws Exception {
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus(PushServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
        .addService(ServerServiceDefinition.builder(PushServiceGrpc.SERVICE_NAME)
            .addMethod(PushServiceGrpc.getSendBatchMethod(), (call, headers) -> new Call(call))
            .build())
        .addService(health.getHealthService())
        .build()
        .start();
    client = Client.builder("127.0.0.1:" + server.getPort()).plaintext().build();
  }

  @AfterEach
  void end() throws Exception {
    client.close();
    server.shutdownNow().awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  private static Iterator<Push> pushes(Options options) {
    return IntStream.range(0, PUSHES).mapToObj(n -> Push.newBuilder().setId("" + n).setOptions(options).build()).iterator();
  }

  @Test
  void aGatewayNeverWaitsForAReader() throws Exception {
    detail = 3 << 20; // Far more than the windows of HTTP/2 hold for one who does not read.
    var seen = new ArrayList<Result>();
    client.sendBatch(pushes(Options.getDefaultInstance()), result -> {
      try {
        assertTrue(answered.await(PATIENCE_SECONDS, TimeUnit.SECONDS), "the gateway waits until results are read");
      } catch (InterruptedException interrupted) {
        throw new AssertionError(interrupted);
      }
      seen.add(result);
    });
    assertEquals(PUSHES, seen.size());
  }

  @Test
  void aClientThatIsClosedEndsItsBatches() {
    answers = 1;
    var seen = new ArrayList<Result>();
    assertThrows(StatusRuntimeException.class, () ->
        client.sendBatch(pushes(Options.newBuilder().setRepeatable(true).build()), result -> {
          seen.add(result);
          client.close();
        }));
    assertEquals(PUSHES, seen.size());
  }

  @Test
  void whateverAnIteratorThrowsEndsTheBatchWhenWhatItGaveHasItsVerdict() {
    var given = List.of(Push.newBuilder().setId("1").build()).iterator();
    Iterator<Push> fails = new Iterator<>() {
      @Override
      public boolean hasNext() {
        return true;
      }

      @Override
      public Push next() {
        if (!given.hasNext()) throw new AssertionError("no more");
        return given.next();
      }
    };
    var seen = new ArrayList<Result>();
    assertEquals("no more", assertThrows(AssertionError.class, () -> client.sendBatch(fails, seen::add)).getMessage());
    assertEquals(1, seen.size());
  }

  @Test
  void whatCannotBeMeantIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Client.builder("127.0.0.1:1").window(0));
    assertThrows(IllegalStateException.class, () -> Client.builder("127.0.0.1:1").plaintext().tokenFile(Path.of("token")).build());
  }
}
