import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Security;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import nl.martijndwars.webpush.Encoding;
import nl.martijndwars.webpush.Notification;
import nl.martijndwars.webpush.PushAsyncService;
import nl.martijndwars.webpush.PushService;
import nl.martijndwars.webpush.Subscription;
import nl.martijndwars.webpush.Utils;
import org.apache.http.HttpResponse;
import org.asynchttpclient.Response;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** web-push for Java, by PushService, and for many at once by PushAsyncService; both trust what the JVM trusts. */
@ExtendWith(FanfareSimulator.Extension.class)
class WebPushTest {
  private static final int AT_ONCE = 2000;
  private static final String SUBJECT = "mailto:ops@example.com";

  @BeforeAll
  static void trust(FanfareSimulator simulator) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    simulator.trustInThisJvm();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mozilla", "google", "apple", "microsoft"})
  void delivers(String vendor, FanfareSimulator simulator) throws Exception {
    assertEquals(201, send(simulator, vendor + "-good", "Hello").getStatusLine().getStatusCode());
    simulator.await(1, Duration.ofSeconds(10), Map.of("service", "web_push", "stage", "settled"));
    JsonObject entry =
        simulator.call("GET", "/v1/journal?service=web_push", null).getAsJsonArray("entries").get(0).getAsJsonObject();
    assertEquals("{\"text\":\"Hello\"}", entry.getAsJsonObject("read").get("plaintext").toString());
  }

  @ParameterizedTest
  @CsvSource({
    "mozilla-gone, 410", "google-gone, 410", "apple-gone, 410", "microsoft-gone, 410",
    "mozilla-unknown, 404", "google-unknown, 404", "microsoft-unknown, 404",
    "mozilla-mismatch, 401", "google-mismatch, 403", "apple-mismatch, 400",
  })
  void eachOutcome(String subscription, int status, FanfareSimulator simulator) throws Exception {
    assertEquals(status, send(simulator, subscription, "Hello").getStatusLine().getStatusCode());
  }

  @ParameterizedTest
  @CsvSource({"mozilla-throttled, 429", "google-throttled, 429", "microsoft-throttled, 406"})
  void throttled(String subscription, int status, FanfareSimulator simulator) throws Exception {
    HttpResponse answer = send(simulator, subscription, "Hello");
    assertEquals(status, answer.getStatusLine().getStatusCode());
    assertNotNull(answer.getFirstHeader("retry-after"));
  }

  @Test
  void tooLargePayload(FanfareSimulator simulator) throws Exception {
    assertEquals(413, send(simulator, "mozilla-good", "x".repeat(5000)).getStatusLine().getStatusCode());
  }

  @Test
  void wrongVapidKey(FanfareSimulator simulator) throws Exception {
    JsonObject wanted = new JsonObject();
    wanted.addProperty("vendor", "mozilla");
    wanted.addProperty("application_server_key", simulator.fact("web_push", "public_key"));
    Subscription made =
        new Gson().fromJson(simulator.call("POST", "/v1/subscriptions", wanted.toString()), Subscription.class);
    Notification push = push(simulator, made, "Hello");
    assertEquals(201, service(simulator).send(push, Encoding.AES128GCM).getStatusLine().getStatusCode());
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", BouncyCastleProvider.PROVIDER_NAME);
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    HttpResponse answer = new PushService(generator.generateKeyPair(), SUBJECT).send(push, Encoding.AES128GCM);
    assertEquals(401, answer.getStatusLine().getStatusCode());
  }

  @Test
  void twoThousandAtOnce(FanfareSimulator simulator) throws Exception {
    PushAsyncService service = new PushAsyncService(keys(simulator), SUBJECT);
    Subscription to = subscription(simulator, "mozilla-good");
    List<CompletableFuture<Response>> sent = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) sent.add(service.send(push(simulator, to, "push " + i), Encoding.AES128GCM));
    for (var answer : sent) assertEquals(201, answer.get().getStatusCode());
    Set<Long> arrived = new HashSet<>();
    var filter = Map.of("service", "web_push", "stage", "settled");
    for (var entry : simulator.await(AT_ONCE, Duration.ofSeconds(10), filter)) {
      if (entry.may_be_delivered()) arrived.add(entry.number());
    }
    assertEquals(AT_ONCE, arrived.size());
  }

  private static HttpResponse send(FanfareSimulator simulator, String subscription, String payload) throws Exception {
    return service(simulator).send(push(simulator, subscription(simulator, subscription), payload), Encoding.AES128GCM);
  }

  /** The client drops the port of an origin, which real push services do not have; its VAPID audience needs it here. */
  private static Notification push(FanfareSimulator simulator, Subscription to, String payload) throws Exception {
    return new Notification(to, payload) {
      @Override
      public String getOrigin() {
        return simulator.fact("web_push", "origin");
      }
    };
  }

  private static Subscription subscription(FanfareSimulator simulator, String name) throws Exception {
    return new Gson().fromJson(Files.readString(simulator.path("subscriptions/" + name + ".json")), Subscription.class);
  }

  private static PushService service(FanfareSimulator simulator) throws Exception {
    return new PushService(keys(simulator), SUBJECT);
  }

  private static KeyPair keys(FanfareSimulator simulator) throws Exception {
    String pem = Files.readString(simulator.path("vapid.pem")).replaceAll("-----[A-Z ]+-----", "");
    var pkcs8 = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem));
    var privateKey = KeyFactory.getInstance("EC", BouncyCastleProvider.PROVIDER_NAME).generatePrivate(pkcs8);
    return new KeyPair(Utils.loadPublicKey(simulator.fact("web_push", "public_key")), privateKey);
  }
}
