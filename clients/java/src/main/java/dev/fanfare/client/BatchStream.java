package dev.fanfare.client;

import dev.fanfare.push.v1.BatchProgress;
import dev.fanfare.push.v1.Delivery;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.SendBatchRequest;
import dev.fanfare.push.v1.SendBatchResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Map;
import java.util.TreeMap;

/** One SendBatch call. The batch's thread owns it; what the library hears becomes events of the batch. */
final class BatchStream {
  // A message is bounded far below grpc.max_message_items (65,536) and grpc.max_message_bytes (4 MiB), so that verdicts come early.
  private static final int MAX_MESSAGE_ITEMS = 256;
  private static final int MAX_MESSAGE_BYTES = 256 << 10;

  private final Batch batch;
  private final ClientCall<SendBatchRequest, SendBatchResponse> call;
  private final long beginsBy;
  private final Map<Long, Batch.Item> open = new TreeMap<>(); // written and without a verdict, by their number on the stream
  private long next;
  private BatchProgress progress; // of the last message
  private boolean begun;
  private boolean leaving;
  private boolean closed;
  private boolean fruitful;
  private Status givenUp;

  BatchStream(Batch batch) {
    this.batch = batch;
    beginsBy = System.nanoTime() + batch.client.deadline.toNanos();
    call = batch.client.channel().newCall(PushServiceGrpc.getSendBatchMethod(), CallOptions.DEFAULT.withWaitForReady());
    call.start(new ClientCall.Listener<>() {
      @Override
      public void onHeaders(Metadata headers) {
        batch.events.add(() -> begun = true);
      }

      @Override
      public void onReady() {
        batch.events.add(() -> {});
      }

      @Override
      public void onMessage(SendBatchResponse message) {
        batch.events.add(() -> read(message));
        // The batch need not have read it: a gateway never waits for it, and ends no stream as that of a reader that stopped. What
        // is kept is bounded by the window.
        call.request(1);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        batch.events.add(() -> settle(GatewayStatus.of(status, trailers)));
      }
    }, new Metadata());
    call.request(1);
  }

  /** How long the batch may wait for this stream: a gateway has to take it within the deadline. */
  long patience(long now) {
    if (begun || givenUp != null) return Long.MAX_VALUE;
    if (now >= beginsBy) {
      givenUp = Status.DEADLINE_EXCEEDED.withDescription("no gateway took the stream in time");
      cancel();
      return Long.MAX_VALUE;
    }
    return beginsBy - now;
  }

  /**
   * Writes what waits. Nothing is written before a gateway has taken the call: a connection that none accepted looks open too, and
   * what was written to it would be in doubt.
   */
  void write() {
    if (!begun || closed) return;
    while (!leaving && !batch.queue.isEmpty() && call.isReady()) call.sendMessage(message());
    if (leaving || (batch.queue.isEmpty() && !batch.inputOpen)) {
      closed = true;
      call.halfClose();
    }
  }

  void cancel() {
    call.cancel("the batch is over", null);
  }

  /** Ends the books of a stream that nobody waits for any more. */
  void abandon(Status cause) {
    cancel();
    progress = null;
    settleItems(GatewayStatus.of(cause, null));
  }

  private SendBatchRequest message() {
    SendBatchRequest.Builder message = SendBatchRequest.newBuilder();
    int bytes = 0;
    while (!batch.queue.isEmpty() && message.getPushesCount() < MAX_MESSAGE_ITEMS && bytes < MAX_MESSAGE_BYTES) {
      Batch.Item item = batch.queue.remove();
      item.streams++;
      open.put(next++, item);
      bytes += item.push.getSerializedSize();
      message.addPushes(item.push);
    }
    return message.build();
  }

  private void read(SendBatchResponse message) {
    progress = message.hasProgress() ? message.getProgress() : null;
    leaving |= message.getProgress().getDraining();
    for (var verdict : message.getResultsList()) {
      Batch.Item item = open.remove(verdict.getIndex());
      if (item == null) continue;
      fruitful = true;
      boolean before = item.inDoubt != null && verdict.getDelivery() == Delivery.DELIVERY_NO;
      // It was not sent this time, and may have been before.
      batch.give(new Result.Answered(item.push, before ? verdict.toBuilder().setDelivery(Delivery.DELIVERY_MAYBE).build() : verdict));
    }
  }

  private void settle(GatewayStatus heard) {
    GatewayStatus end = givenUp == null ? heard : GatewayStatus.of(givenUp, null);
    settleItems(end);
    batch.closed(end, begun, fruitful);
  }

  /** A push without a verdict was never read, or is in doubt. */
  private void settleItems(GatewayStatus end) {
    Status cause = end.status().isOk() ? Status.UNKNOWN.withDescription("the stream ended without a verdict on the push") : end.status();
    // A gateway that ends a stream by itself sends its last progress before. Any other end may come from the connection, which may
    // have lost a later one.
    boolean isLast = progress != null && (end.status().isOk() || end.nothingSent());
    long unread = isLast ? progress.getItemsRead() : next;
    open.forEach((number, item) -> {
      var options = item.push.getOptions();
      if (number < unread && !options.getDryRun()) item.inDoubt = cause;
      if (number >= unread || options.getRepeatable() || options.getDryRun()) {
        batch.again(item, cause);
      } else {
        batch.end(item, cause);
      }
    });
    open.clear();
  }
}
