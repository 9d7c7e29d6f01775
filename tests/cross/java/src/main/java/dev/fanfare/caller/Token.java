package dev.fanfare.caller;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;

/** Shows a JWT or a static key, which is asked for at each call, because tokens are renewed. */
final class Token extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Callable<String> token;

  Token(Callable<String> token) {
    this.token = token;
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    // A file or another server may be slow, and this thread must not wait.
    executor.execute(() -> {
      try {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + token.call());
        applier.apply(headers);
      } catch (Exception error) {
        applier.fail(Status.UNAUTHENTICATED.withDescription("there is no token").withCause(error));
      }
    });
  }
}
