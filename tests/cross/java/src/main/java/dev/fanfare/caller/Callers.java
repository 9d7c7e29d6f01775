package dev.fanfare.caller;

import com.google.gson.JsonParser;
import dev.fanfare.push.v1.Outcome;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.PushServiceGrpc.PushServiceBlockingV2Stub;
import dev.fanfare.push.v1.Reason;
import dev.fanfare.push.v1.SendPushRequest;
import dev.fanfare.push.v1.SendPushesRequest;
import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** A gateway that knows its callers: by a client certificate, and by a token. */
public final class Callers {
  private static final Path IDENTITIES = Path.of(Gateway.env("FANFARE_IDENTITIES"));

  private Callers() {}

  public static void main(String[] arguments) throws Exception {
    String table = Files.readString(Path.of("../findings.json"));
    Push good = Findings.push(JsonParser.parseString(table).getAsJsonObject().getAsJsonArray("findings").get(0));
    Jwt issuer = new Jwt(IDENTITIES.resolve("issuer.key"));
    checkKnown(byCertificate(), good);
    checkKnown(byToken(() -> issuer.issue("ci-runner", Instant.now())), good);
    checkUnknown(tls().build(), good);
    checkUnknown(byToken(() -> issuer.issue("somebody", Instant.now())), good);
    checkUnknown(byToken(() -> issuer.issue("ci-runner", Instant.now().minus(Duration.ofHours(1)))), good);
    System.out.println("Java: a caller may do what its rule lists and nothing else");
  }

  private static TlsChannelCredentials.Builder tls() throws IOException {
    return TlsChannelCredentials.newBuilder().trustManager(IDENTITIES.resolve("gateway-ca.pem").toFile());
  }

  private static ChannelCredentials byCertificate() throws IOException {
    return tls()
        .keyManager(IDENTITIES.resolve("orders.pem").toFile(), IDENTITIES.resolve("orders.key").toFile())
        .build();
  }

  private static ChannelCredentials byToken(Callable<String> token) throws IOException {
    return CompositeChannelCredentials.create(tls().build(), new Token(token));
  }

  private static void checkKnown(ChannelCredentials credentials, Push good) throws Exception {
    ManagedChannel channel = Gateway.connect(Gateway.env("FANFARE_TLS"), credentials);
    try {
      PushResult accepted = send(channel, good);
      expect(accepted.getOutcome() == Outcome.OUTCOME_ACCEPTED, accepted);
      for (String app : new String[] {"chat", "nobody"}) {
        PushResult refused = send(channel, good.toBuilder().setApp(app).build());
        expect(refused.getOutcome() == Outcome.OUTCOME_NOT_ATTEMPTED, refused);
        expect(refused.getReason() == Reason.REASON_NOT_PERMITTED, refused);
      }
      SendPushesRequest several = SendPushesRequest.newBuilder().addPushes(good).build();
      expect(Status.Code.PERMISSION_DENIED, () -> stub(channel).sendPushes(several));
    } finally {
      channel.shutdownNow().awaitTermination(Findings.CALL_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void checkUnknown(ChannelCredentials credentials, Push good) throws Exception {
    ManagedChannel channel = Gateway.connect(Gateway.env("FANFARE_TLS"), credentials);
    try {
      expect(Status.Code.UNAUTHENTICATED, () -> send(channel, good));
    } finally {
      channel.shutdownNow().awaitTermination(Findings.CALL_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static PushServiceBlockingV2Stub stub(ManagedChannel channel) {
    return PushServiceGrpc.newBlockingV2Stub(channel)
        .withWaitForReady()
        .withDeadlineAfter(Findings.CALL_SECONDS, TimeUnit.SECONDS);
  }

  private static PushResult send(ManagedChannel channel, Push push) throws StatusException {
    return stub(channel).sendPush(SendPushRequest.newBuilder().setPush(push).build()).getResult();
  }

  private static void expect(Status.Code expected, Callable<?> call) throws Exception {
    try {
      throw new AssertionError("expected " + expected + ", found " + call.call());
    } catch (StatusException ended) {
      expect(ended.getStatus().getCode() == expected, ended);
    }
  }

  private static void expect(boolean good, Object found) {
    if (!good) throw new AssertionError("found " + found);
  }
}
