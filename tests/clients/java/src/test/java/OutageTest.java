import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The same outage is in outage_test.go, test_outage.py and outage.test.mjs. */
@ExtendWith(FanfareSimulator.Extension.class)
class OutageTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Test
  void outage(FanfareSimulator simulator) throws Exception {
    // Not closed: it would wait for the push that is never answered.
    Sender sender = new Sender(simulator);
    good(sender, 0, 50);
    var arrived = simulator.await(50, PATIENCE, Map.of("service", "apns_production", "stage", "settled"));
    assertEquals(
        IntStream.range(0, 50).mapToObj(Sender::device).toList(),
        arrived.stream().map(FanfareSimulator.Entry::token).toList());

    // A burst of 503.
    simulator.fault("{\"fault\": {\"refuse\": \"unavailable\"}, \"times\": 5}");
    for (int number = 50; number < 55; number++) {
      assertEquals(Optional.of("ServiceUnavailable"), sender.send(Sender.device(number)).getRejectionReason());
      assertEquals(List.of("answered 503 false"), outcomes(simulator, number));
    }

    // GOAWAY whose last id is below that of the push: PUSHY fails it, and the caller may send it again.
    simulator.fault("{\"fault\": {\"goaway\": {\"last\": \"before_this\", \"reason\": \"Shutdown\"}}}");
    var excluded = assertThrows(ExecutionException.class, () -> sender.send(Sender.device(55)));
    assertInstanceOf(IOException.class, excluded.getCause());
    assertEquals(List.of("excluded 0 false"), outcomes(simulator, 55));
    good(sender, 55, 56);
    assertEquals(List.of("excluded 0 false", "answered 200 true"), outcomes(simulator, 55));

    // A stall: the push is read and never answered, so the caller's own deadline ends it.
    simulator.fault("{\"fault\": \"silence\"}");
    var stalled = sender.client.sendNotification(sender.push(Sender.device(56)));
    assertThrows(TimeoutException.class, () -> stalled.get(500, TimeUnit.MILLISECONDS));
    assertEquals(List.of("unanswered 0 true"), outcomes(simulator, 56));

    simulator.clearFaults();
    good(sender, 57, 107);
    // One push was sent twice, 5 were refused, and one was never answered.
    Map<String, Integer> counts = new TreeMap<>();
    for (var entry : simulator.await(108, PATIENCE, Map.of("service", "apns_production"))) {
      counts.merge(entry.outcome() + " " + entry.status(), 1, Integer::sum);
    }
    assertEquals(
        Map.of("answered 200", 101, "answered 503", 5, "excluded 0", 1, "unanswered 0", 1), counts);
  }

  private static void good(Sender sender, int from, int to) throws Exception {
    for (int number = from; number < to; number++) {
      var response = sender.send(Sender.device(number));
      assertTrue(response.isAccepted(), response.toString());
    }
  }

  /** What became of the requests for one device, in their order. */
  private static List<String> outcomes(FanfareSimulator simulator, int number) throws Exception {
    return simulator.journal(Map.of("token", Sender.device(number))).stream()
        .map(entry -> entry.outcome() + " " + entry.status() + " " + entry.may_be_delivered())
        .toList();
  }
}
