package dev.fanfare.client;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.SendPushRequest;
import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Sends pushes through a gateway. Any number of threads may share one. */
public final class Client implements AutoCloseable {
  private static final String SERVICE_CONFIG = "/fanfare/push/v1/service_config.json";

  // The gateway asks a silent connection whether it lives by the same times: grpc.keepalive_interval and
  // grpc.keepalive_timeout by default.
  private static final long KEEPALIVE_SECONDS = 60;
  private static final long KEEPALIVE_TIMEOUT_SECONDS = 20;

  private final ManagedChannel channel;
  final Duration deadline;
  final int window;

  private Client(Builder builder) throws IOException {
    channel = Grpc.newChannelBuilder(builder.target, builder.credentials())
        .defaultServiceConfig(serviceConfig())
        // DNS may have another one (gRFC A2), whose policy may repeat what was sent already.
        .disableServiceConfigLookUp()
        .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .build();
    deadline = builder.deadline;
    window = builder.window;
  }

  /** A client of the gateways behind a target, such as {@code dns:///gateway.example:50051}. */
  public static Builder builder(String target) {
    return new Builder(target);
  }

  /** The channel, for {@link PushServiceGrpc} as it is. */
  public ManagedChannel channel() {
    return channel;
  }

  /**
   * Sends one push and waits for its verdict, which has what is wrong with the push. A push without an id is given one.
   *
   * @throws StatusRuntimeException for what is of the call alone; see {@link #nothingSent}
   */
  public Result.Answered send(Push push) {
    Push named = named(push);
    var stub = PushServiceGrpc.newBlockingV2Stub(channel)
        // Without it a call that finds no gateway ready fails at once, and nobody knows whether it was sent.
        .withWaitForReady()
        .withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
    try {
      var answer = stub.sendPush(SendPushRequest.newBuilder().setPush(named).build());
      return new Result.Answered(named, answer.getResult());
    } catch (StatusException failed) {
      throw failed.getStatus().asRuntimeException(failed.getTrailers());
    }
  }

  /** Whether a {@link #send} that failed so was surely not sent. Otherwise the push is in doubt. */
  public static boolean nothingSent(StatusRuntimeException failed) {
    return GatewayStatus.of(failed.getStatus(), failed.getTrailers()).nothingSent();
  }

  /**
   * Sends many pushes over one stream after another, and gives each its result as soon as it is known, in any order. Pushes are
   * taken only as fast as results are, so that at most {@code window} of them are open. Another thread takes them.
   *
   * <p>Each push has exactly one result. A push that no gateway read is sent again by itself, over another stream. One that was
   * read and whose verdict was lost is {@link Result.Unknown}, and is not sent again, unless its options call it repeatable.
   *
   * <p>What is of the batch alone ends it with a {@link StatusRuntimeException}, after every push that was taken has its result;
   * the others were not sent. Close a batch that is left early.
   */
  public Batch sendBatch(Iterator<Push> pushes) {
    return new Batch(this, pushes);
  }

  /** As the other, with a listener that is told each result. It returns when all pushes have theirs. */
  public void sendBatch(Iterator<Push> pushes, Consumer<? super Result> listener) {
    try (Batch batch = sendBatch(pushes)) {
      batch.forEachRemaining(listener);
    }
  }

  /** Ends the connections. Calls that are under way fail. */
  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Results are known by the id of a push, and whoever sends a push again repeats it. */
  static Push named(Push push) {
    return push.getId().isEmpty() ? push.toBuilder().setId(UUID.randomUUID().toString()).build() : push;
  }

  private static Map<String, ?> serviceConfig() throws IOException {
    try (var resource = Client.class.getResourceAsStream(SERVICE_CONFIG)) {
      if (resource == null) throw new IOException("the jar lacks " + SERVICE_CONFIG);
      // grpc-java takes a map of strings, doubles, booleans, lists and maps, which is what Gson reads.
      return new Gson().fromJson(new InputStreamReader(resource, StandardCharsets.UTF_8), new TypeToken<Map<String, ?>>() {}.getType());
    }
  }

  /** Says how a gateway is reached: over TLS with the authorities of the JDK, and shown nothing, unless it says otherwise. */
  public static final class Builder {
    private final String target;
    private final TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    private boolean plaintext;
    private boolean hasFiles;
    private Path tokenFile;
    private Duration deadline = Duration.ofSeconds(30); // limits.max_wait by default
    private int window = 4096; // limits.batch_window by default

    private Builder(String target) {
      this.target = target;
    }

    /** Does without TLS, as for a gateway on loopback. No token is ever sent so. */
    public Builder plaintext() {
      plaintext = true;
      return this;
    }

    /** The authorities, in PEM, that the gateway's certificate may come from. */
    public Builder caFile(Path file) throws IOException {
      tls.trustManager(file.toFile());
      hasFiles = true;
      return this;
    }

    /** The client certificate that is shown. Make another client once it is renewed. */
    public Builder certificate(Path certificateFile, Path keyFile) throws IOException {
      tls.keyManager(certificateFile.toFile(), keyFile.toFile());
      hasFiles = true;
      return this;
    }

    /** A JWT or a static key, alone in its file, which is read for each call. */
    public Builder tokenFile(Path file) {
      tokenFile = file;
      hasFiles = true;
      return this;
    }

    /** The deadline of a {@link Client#send}, and how long a batch waits for a gateway: 30 s unless this says otherwise. */
    public Builder deadline(Duration value) {
      deadline = value;
      return this;
    }

    /** How many pushes of a batch are open at most, and no more than {@code limits.batch_window}: 4096 unless this says otherwise. */
    public Builder window(int value) {
      if (value < 1) throw new IllegalArgumentException("expected a window of at least one push, found " + value);
      window = value;
      return this;
    }

    /** Does not connect: the first call does. */
    public Client build() throws IOException {
      return new Client(this);
    }

    private ChannelCredentials credentials() {
      if (plaintext && hasFiles) {
        throw new IllegalStateException("files have no place beside plaintext: nothing is verified or shown without TLS");
      }
      if (plaintext) return InsecureChannelCredentials.create();
      return tokenFile == null ? tls.build() : CompositeChannelCredentials.create(tls.build(), new TokenFile(tokenFile));
    }
  }
}
