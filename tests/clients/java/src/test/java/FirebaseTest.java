import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.auth.oauth2.GoogleCredentials;
import com.google.firebase.FirebaseApp;
import com.google.firebase.FirebaseOptions;
import com.google.firebase.internal.ApacheHttp2Transport;
import com.google.firebase.messaging.AndroidConfig;
import com.google.firebase.messaging.AndroidNotification;
import com.google.firebase.messaging.FirebaseMessaging;
import com.google.firebase.messaging.FirebaseMessagingException;
import com.google.firebase.messaging.Message;
import com.google.firebase.messaging.MessagingErrorCode;
import com.google.firebase.messaging.Notification;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** firebase-admin for Java with its own transport, which speaks HTTP/2. */
@ExtendWith(FanfareSimulator.Extension.class)
class FirebaseTest {
  private static final int AT_ONCE = 2000;

  /** What sendEach takes at once. */
  private static final int CHUNK = 500;

  private FanfareSimulator simulator;
  private FirebaseApp app;
  private FirebaseMessaging messaging;

  @BeforeEach
  void start(FanfareSimulator simulator) throws Exception {
    this.simulator = simulator;
    simulator.trustInThisJvm();
    app = app();
    messaging = FirebaseMessaging.getInstance(app);
  }

  @AfterEach
  void stop() {
    app.delete();
  }

  /** The service account's token_uri is the simulator's; the library asks it with the JVM's trust. */
  private FirebaseApp app() throws Exception {
    try (var key = Files.newInputStream(simulator.path("service-account.json"))) {
      return FirebaseApp.initializeApp(
          FirebaseOptions.builder()
              .setCredentials(GoogleCredentials.fromStream(key))
              .setProjectId(simulator.facts().getAsJsonObject("fcm").getAsJsonArray("projects").get(0).getAsString())
              .setHttpTransport(transport())
              .build());
    }
  }

  /** FCM's host stays in the requests: the transport's own hook for addresses leads the socket to the simulator. */
  private ApacheHttp2Transport transport() throws Exception {
    int port = URI.create(simulator.fact("fcm", "origin")).getPort();
    var connections =
        PoolingAsyncClientConnectionManagerBuilder.create()
            .setTlsStrategy(ClientTlsStrategyBuilder.create().setSslContext(SSLContext.getDefault()).buildAsync())
            .setDnsResolver(
                new SystemDefaultDnsResolver() {
                  @Override
                  public List<InetSocketAddress> resolve(String host, int ignored) {
                    return List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                  }
                })
            .setMaxConnTotal(100)
            .setMaxConnPerRoute(100)
            .build();
    var client = ApacheHttp2Transport.defaultHttpAsyncClientBuilder().setConnectionManager(connections).build();
    client.start();
    return new ApacheHttp2Transport(client);
  }

  private static Message message(String token) {
    return Message.builder()
        .setToken(token)
        .setNotification(Notification.builder().setTitle("Hello").build())
        // Enums of this library are sent in lower case.
        .setAndroidConfig(
            AndroidConfig.builder()
                .setPriority(AndroidConfig.Priority.HIGH)
                .setNotification(
                    AndroidNotification.builder().setVisibility(AndroidNotification.Visibility.PUBLIC).build())
                .build())
        .build();
  }

  @Test
  void good() throws Exception {
    String name = messaging.send(message("ok:1"));
    assertTrue(name.startsWith("projects/demo-project/messages/"), name);
    assertEquals(200, simulator.journal(Map.of("token", "ok:1")).get(0).status());
    messaging.send(message("ok:2"));
    var entries = simulator.call("GET", "/v1/journal?service=fcm&token=ok:2", null).getAsJsonArray("entries");
    // The second stream of HTTP/2 has the number 3; over HTTP/1.1 it would be the second request.
    assertEquals(3, entries.get(0).getAsJsonObject().get("stream").getAsInt());
  }

  @ParameterizedTest
  @CsvSource({
    "unregistered:1, UNREGISTERED, 404",
    "mismatch:1, SENDER_ID_MISMATCH, 403",
    "quota:1, QUOTA_EXCEEDED, 429",
    "invalid:1, INVALID_ARGUMENT, 400",
    "apns-auth:1, THIRD_PARTY_AUTH_ERROR, 401",
    "internal:1, INTERNAL, 500",
  })
  void eachOutcome(String token, MessagingErrorCode code, int status) {
    var error = assertThrows(FirebaseMessagingException.class, () -> messaging.send(message(token)));
    assertEquals(code, error.getMessagingErrorCode());
    assertEquals(status, error.getHttpResponse().getStatusCode());
  }

  @Test
  void aQuotaSaysHowLongItLasts() {
    var error = assertThrows(FirebaseMessagingException.class, () -> messaging.send(message("quota-device:1")));
    assertEquals(MessagingErrorCode.QUOTA_EXCEEDED, error.getMessagingErrorCode());
    assertNotNull(error.getHttpResponse().getHeaders().get("retry-after"));
  }

  @Test
  void tooLargeMessage() {
    Message large = Message.builder().setToken("ok:1").putData("text", "x".repeat(4097)).build();
    var error = assertThrows(FirebaseMessagingException.class, () -> messaging.send(large));
    assertEquals(MessagingErrorCode.INVALID_ARGUMENT, error.getMessagingErrorCode());
  }

  /** Google's adapter of credentials asks for a new access token after a 401, and sends the message again. */
  @Test
  void expiredAccessTokenIsRenewed() throws Exception {
    messaging.send(message("ok:1"));
    simulator.expireTokens();
    messaging.send(message("ok:2"));
    var statuses = simulator.journal(Map.of("token", "ok:2")).stream().map(FanfareSimulator.Entry::status).toList();
    assertEquals(List.of(401, 200), statuses);
  }

  @Test
  void twoThousandAtOnce() throws Exception {
    var chunks = new ArrayList<com.google.api.core.ApiFuture<com.google.firebase.messaging.BatchResponse>>();
    for (int from = 0; from < AT_ONCE; from += CHUNK) {
      List<Message> messages = new ArrayList<>();
      for (int i = from; i < from + CHUNK; i++) messages.add(message("ok:" + i));
      chunks.add(messaging.sendEachAsync(messages));
    }
    for (var chunk : chunks) assertEquals(CHUNK, chunk.get().getSuccessCount());
    Set<String> reached = new HashSet<>();
    var filter = Map.of("service", "fcm", "stage", "settled");
    for (var entry : simulator.await(AT_ONCE, Duration.ofSeconds(10), filter)) {
      if (entry.token() != null && entry.status() == 200) reached.add(entry.token());
    }
    assertEquals(AT_ONCE, reached.size());
  }
}
