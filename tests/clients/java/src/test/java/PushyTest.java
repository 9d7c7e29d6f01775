import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PUSHY, unmodified, is told by the simulator what APNs would tell it. */
@ExtendWith(FanfareSimulator.Extension.class)
class PushyTest {
  private static final int AT_ONCE = 2000;

  @ParameterizedTest
  @CsvSource({
    "0a01, 200,",
    "dead01, 410, Unregistered",
    "d1ff01, 400, DeviceTokenNotForTopic",
    "0bad01, 400, BadDeviceToken",
    "f10d01, 429, TooManyRequests",
    "050301, 503, ServiceUnavailable",
  })
  void eachOutcome(String token, int status, String reason, FanfareSimulator simulator) throws Exception {
    try (Sender sender = new Sender(simulator)) {
      var response = sender.send(token);
      assertEquals(status, response.getStatusCode());
      assertEquals(status == 200, response.isAccepted());
      assertEquals(Optional.ofNullable(reason), response.getRejectionReason());
      assertEquals(status == 410, response.getTokenInvalidationTimestamp().isPresent());
      // The simulator's dead tokens are so since a day.
      response.getTokenInvalidationTimestamp().ifPresent(at -> assertTrue(at.isBefore(Instant.now()), at.toString()));
    }
  }

  @Test
  void anIdIsGivenBack(FanfareSimulator simulator) throws Exception {
    try (Sender sender = new Sender(simulator)) {
      UUID id = UUID.randomUUID();
      var push = new SimpleApnsPushNotification(
          "0a01", sender.topic, Sender.PAYLOAD, null, null, null, null, id);
      assertEquals(id, sender.client.sendNotification(push).get().getApnsId());
    }
  }

  @Test
  void tooLargePayload(FanfareSimulator simulator) throws Exception {
    try (Sender sender = new Sender(simulator)) {
      String payload = Sender.PAYLOAD.replace("Hello", "x".repeat(4096));
      var response = sender.client.sendNotification(new SimpleApnsPushNotification("0a01", sender.topic, payload)).get();
      assertEquals(413, response.getStatusCode());
      assertEquals(Optional.of("PayloadTooLarge"), response.getRejectionReason());
    }
  }

  /** PUSHY reports the refusal, and makes a new provider token for the pushes after it. */
  @Test
  void expiredProviderToken(FanfareSimulator simulator) throws Exception {
    try (Sender sender = new Sender(simulator)) {
      assertTrue(sender.send("0a01").isAccepted());
      simulator.expireTokens();
      var response = sender.send("0a02");
      assertEquals(403, response.getStatusCode());
      assertEquals(Optional.of("ExpiredProviderToken"), response.getRejectionReason());
      assertTrue(sender.send("0a03").isAccepted());
    }
  }

  @Test
  void providerTokenThatTheClockMadeOld(FanfareSimulator simulator) throws Exception {
    simulator.forward(Duration.ofMinutes(61));
    try (Sender sender = new Sender(simulator)) {
      var response = sender.send("0a01");
      assertEquals(403, response.getStatusCode());
      assertEquals(Optional.of("ExpiredProviderToken"), response.getRejectionReason());
    }
  }

  @Test
  void twoThousandAtOnce(FanfareSimulator simulator) throws Exception {
    try (Sender sender = new Sender(simulator)) {
      List<CompletableFuture<? extends PushNotificationResponse<?>>> sent = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) sent.add(sender.client.sendNotification(sender.push(Sender.device(i))));
      for (var push : sent) assertTrue(push.get().isAccepted());
    }
    Set<String> reached = new HashSet<>();
    var filter = Map.of("service", "apns_production", "stage", "settled");
    for (var entry : simulator.await(AT_ONCE, Duration.ofSeconds(10), filter)) {
      if (entry.status() == 200) reached.add(entry.token());
    }
    assertEquals(AT_ONCE, reached.size());
  }
}
