package dev.fanfare.client;

import dev.fanfare.push.v1.Push;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The results of a batch, as they come. The thread that asks for them drives the batch: what other threads hear reaches it as
 * events. Use it once, by one thread.
 */
public final class Batch implements Iterator<Result>, Iterable<Result>, AutoCloseable {
  /** On how many streams a push is written at most. */
  private static final int MAX_STREAMS = 5;

  /** How many streams in a row may fail without a verdict before the batch does. */
  private static final int MAX_FRUITLESS = 5;

  /** The wait between two streams of which the first brought nothing. It doubles, up to the longest. */
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);

  private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  /** A push on its way. */
  static final class Item {
    final Push push;
    int streams;
    Status inDoubt; // why an earlier stream may have sent it

    Item(Push push) {
      this.push = push;
    }
  }

  final Client client;
  final BlockingQueue<Runnable> events = new LinkedBlockingQueue<>();
  final Deque<Item> queue = new ArrayDeque<>();
  boolean inputOpen = true;

  private final Deque<Result> results = new ArrayDeque<>();
  private final Semaphore room;
  private final Thread feeder;
  private BatchStream stream;
  private int fruitless;
  private long notBefore = System.nanoTime();
  private Throwable error; // a RuntimeException or an Error
  private boolean over;

  Batch(Client client, Iterator<Push> pushes) {
    this.client = client;
    room = new Semaphore(client.window);
    feeder = new Thread(() -> feed(pushes), "fanfare-batch");
    feeder.setDaemon(true);
    feeder.start();
  }

  @Override
  public Iterator<Result> iterator() {
    return this;
  }

  @Override
  public boolean hasNext() {
    while (results.isEmpty() && !over) turn();
    if (results.isEmpty() && error != null) {
      Throwable thrown = error;
      error = null;
      if (thrown instanceof Error serious) throw serious;
      throw (RuntimeException) thrown;
    }
    return !results.isEmpty();
  }

  @Override
  public Result next() {
    if (!hasNext()) throw new NoSuchElementException();
    room.release();
    return results.remove();
  }

  /** Breaks the batch off. Nobody learns what becomes of the pushes that are open. */
  @Override
  public void close() {
    over = true;
    feeder.interrupt();
    if (stream != null) stream.cancel();
  }

  private void feed(Iterator<Push> pushes) {
    try {
      room.acquire();
      while (pushes.hasNext()) {
        Item item = new Item(Client.named(pushes.next()));
        events.add(() -> queue.add(item));
        room.acquire();
      }
      events.add(() -> inputOpen = false);
    } catch (InterruptedException closed) {
      events.add(() -> inputOpen = false);
    } catch (RuntimeException | Error itsOwn) {
      // The caller's own, and thrown when what was taken has its result.
      events.add(() -> {
        inputOpen = false;
        error = itsOwn;
      });
    }
  }

  /** Does what can be done, and waits for the next event. */
  private void turn() {
    long now = System.nanoTime();
    long until = Long.MAX_VALUE;
    if (stream != null) {
      stream.write();
      until = stream.patience(now);
    } else if (!queue.isEmpty()) {
      until = notBefore - now;
      if (until <= 0) {
        stream = new BatchStream(this);
        return;
      }
    } else if (!inputOpen) {
      over = true;
      return;
    }
    try {
      // What else has come by then is taken with it, so that the pushes among it can go into one message.
      for (Runnable event = events.poll(until, TimeUnit.NANOSECONDS); event != null; event = events.poll()) event.run();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      fail(Status.CANCELLED.withDescription("interrupted").withCause(interrupted).asRuntimeException());
    }
  }

  /** A stream has settled its books. */
  void closed(GatewayStatus end, boolean begun, boolean fruitful) {
    if (over) return;
    stream = null;
    fruitless = end.status().isOk() || fruitful ? 0 : fruitless + 1;
    if (!end.goesOn(begun) || fruitless == MAX_FRUITLESS || client.channel().isShutdown()) {
      fail(end.exception());
    } else if (!fruitful) {
      long wait = Math.min(FIRST_WAIT.toNanos() << fruitless, LONGEST_WAIT.toNanos());
      wait = Math.max(wait, end.advisedWait().toNanos());
      notBefore = System.nanoTime() + wait + ThreadLocalRandom.current().nextLong(wait / 4);
    }
  }

  /** Ends the batch, and what was taken. */
  private void fail(RuntimeException failed) {
    over = true;
    Status cause = Status.fromThrowable(failed);
    if (stream != null) stream.abandon(cause);
    feeder.interrupt();
    for (Runnable event; (event = events.poll()) != null; ) event.run();
    queue.forEach(item -> end(item, cause));
    queue.clear();
    if (error == null) error = failed;
  }

  void give(Result result) {
    results.add(result);
  }

  /** Puts a push back that a stream did not settle, or gives it up. */
  void again(Item item, Status cause) {
    if (item.streams < MAX_STREAMS) {
      queue.add(item);
    } else {
      end(item, cause);
    }
  }

  /** Gives a push its result without a verdict. */
  void end(Item item, Status cause) {
    give(item.inDoubt == null ? new Result.NotRead(item.push, cause) : new Result.Unknown(item.push, item.inDoubt));
  }
}
