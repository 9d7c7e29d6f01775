import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the helper of examples/testing does beside what the outage needs. */
@ExtendWith(FanfareSimulator.Extension.class)
class HelperTest {
  @Test
  void aFateIsSetAndTheJournalIsCleared(FanfareSimulator simulator) throws Exception {
    simulator.fate("apns", "0a01", "{\"like\": \"dead\"}");
    try (Sender sender = new Sender(simulator)) {
      assertEquals(Optional.of("Unregistered"), sender.send("0a01").getRejectionReason());
    }
    simulator.clearJournal();
    assertEquals(List.of(), simulator.journal(Map.of()));
  }

  @Test
  void whatCannotBeDoneIsTold(FanfareSimulator simulator) {
    var problem =
        assertThrows(IOException.class, () -> simulator.fault("{\"fault\": {\"refuse\": \"nothing\"}}"));
    assertTrue(problem.getMessage().contains("\"field\""), problem.getMessage());
  }

  @Test
  void aWaitThatIsOverSaysWhatItWaitedFor(FanfareSimulator simulator) {
    var over =
        assertThrows(
            IOException.class, () -> simulator.await(1, Duration.ofMillis(10), Map.of("service", "fcm")));
    assertTrue(over.getMessage().contains("fewer than 1 entries"), over.getMessage());
  }

  @Test
  void oneThatDoesNotStartSaysWhy() {
    var error = assertThrows(IOException.class, () -> FanfareSimulator.start("--nonsense"));
    assertTrue(error.getMessage().contains("--nonsense"), error.getMessage());
  }
}
