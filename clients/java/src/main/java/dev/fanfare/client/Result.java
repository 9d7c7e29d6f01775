package dev.fanfare.client;

import dev.fanfare.push.v1.Delivery;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.TokenAction;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;

/** What became of a push. */
public sealed interface Result {
  /** The push, with the id that it was given if it had none. */
  Push push();

  /**
   * Whether the target is to be deleted, unless it was registered again after the verdict's {@code
   * token_invalid_since}.
   */
  default boolean isDead() {
    return false;
  }

  /**
   * How long to wait at least before the push is sent again. Empty if it would fail again, or if a duplicate could come of it.
   */
  Optional<Duration> retryAfter();

  /** A push that has its verdict. */
  record Answered(Push push, PushResult verdict) implements Result {
    @Override
    public boolean isDead() {
      return verdict.getTokenAction() == TokenAction.TOKEN_ACTION_DELETE;
    }

    @Override
    public Optional<Duration> retryAfter() {
      var wait = verdict.getRetryAfter();
      return verdict.getRetryable() && verdict.getDelivery() == Delivery.DELIVERY_NO
          ? Optional.of(Duration.ofSeconds(wait.getSeconds(), wait.getNanos()))
          : Optional.empty();
    }
  }

  /** A push that no gateway read: nothing was sent, and sending it again is safe. */
  record NotRead(Push push, Status cause) implements Result {
    @Override
    public Optional<Duration> retryAfter() {
      return Optional.of(Duration.ZERO);
    }
  }

  /** A push that may have been sent, and whose verdict was lost. Send it again only if a duplicate does no harm. */
  record Unknown(Push push, Status cause) implements Result {
    @Override
    public Optional<Duration> retryAfter() {
      return Optional.empty();
    }
  }
}
