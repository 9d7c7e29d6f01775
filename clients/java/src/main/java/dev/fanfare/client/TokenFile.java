package dev.fanfare.client;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executor;

/** Shows the JWT or the static key of a file, which is read for each call, because tokens are renewed on disk. */
final class TokenFile extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Path file;

  TokenFile(Path file) {
    this.file = file;
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    // The disk may be slow, and this thread must not wait.
    executor.execute(() -> {
      Metadata headers = new Metadata();
      try {
        headers.put(AUTHORIZATION, "Bearer " + Files.readString(file).strip());
      } catch (IOException | RuntimeException error) {
        // Whatever is wrong is told: a call that hears nothing would wait for its deadline.
        applier.fail(Status.UNAUTHENTICATED.withDescription("the token cannot be read").withCause(error));
        return;
      }
      applier.apply(headers);
    });
  }
}
