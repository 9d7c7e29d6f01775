import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ProxySelector;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Starts {@code fanfare simulate} for tests with JUnit 5 and talks to its control API. It needs Gson and FanfareGateway.java.
 *
 * <p>With {@code @ExtendWith(FanfareSimulator.Extension.class)} a test takes a parameter {@code FanfareSimulator}. One
 * process serves all tests of a run, and every test finds it as it was at the start. A parameter {@code FanfareGateway} is a
 * gateway of the test's own that sends to it.
 */
public final class FanfareSimulator implements AutoCloseable {
  /** Longer than the longest wait for the journal, which is 60 s. */
  private static final Duration CALL = Duration.ofSeconds(70);

  private static final String PASSWORD = "changeit";

  private final Gson gson = new Gson();
  private final Path dir;
  private final Process process;
  private final JsonObject facts;

  /** Calls never go through a proxy that the system names: the control API is on loopback. */
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(ProxySelector.of(null)).build();

  private FanfareSimulator(Path dir, Process process, JsonObject facts) {
    this.dir = dir;
    this.process = process;
    this.facts = facts;
  }

  /** Starts one. FANFARE_BIN names the binary where it is not on the path. */
  public static FanfareSimulator start(String... flags) throws IOException {
    Path dir = Files.createTempDirectory("fanfare-");
    Path facts = dir.resolve("simulator.json");
    List<String> words = new ArrayList<>(List.of("simulate", "--quiet", "--dir", dir.toString()));
    words.addAll(List.of(flags));
    try {
      Process process = FanfareGateway.start(words, facts, Map.of());
      return new FanfareSimulator(dir, process, JsonParser.parseString(Files.readString(facts)).getAsJsonObject());
    } catch (IOException error) {
      remove(dir);
      throw error;
    }
  }

  /** Ends the process, which lets the requests under way be answered, and removes the folder. */
  @Override
  public void close() throws IOException {
    FanfareGateway.end(process);
    remove(dir);
  }

  private static void remove(Path dir) throws IOException {
    try (var paths = Files.walk(dir)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) Files.delete(path);
    }
  }

  /** simulator.json: addresses, ids, and the tables of fates. */
  public JsonObject facts() {
    return facts;
  }

  /** A fact by its path, as {@code fact("fcm", "origin")}. */
  public String fact(String... names) {
    JsonElement found = facts;
    for (String name : names) found = found.getAsJsonObject().get(name);
    return found.getAsString();
  }

  /** A file that clients hold: ca.pem, AuthKey.p8, service-account.json, vapid.pem, subscriptions/NAME.json. */
  public Path path(String name) {
    return dir.resolve(name);
  }

  /** A trust store with the CA alone, for clients that take one. */
  public KeyStore trustStore() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (InputStream pem = new FileInputStream(path("ca.pem").toFile())) {
      store.setCertificateEntry("fanfare", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    return store;
  }

  /** Makes the CA the one that this JVM trusts, for clients that ask it. To be called before such a client is made. */
  public void trustInThisJvm() throws IOException, GeneralSecurityException {
    Path file = path("trust.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      trustStore().store(out, PASSWORD.toCharArray());
    }
    System.setProperty("javax.net.ssl.trustStore", file.toString());
    System.setProperty("javax.net.ssl.trustStorePassword", PASSWORD);
    System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
    // Anything that was made from the properties before they were set, such as the client below, is made anew.
    TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trustStore());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    SSLContext.setDefault(context);
  }

  /** Calls the control API; the paths and bodies are those of docs/simulator.md. Gives null where there is no body. */
  public JsonObject call(String method, String path, String json) throws IOException, InterruptedException {
    var body = json == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(json);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(fact("control") + path))
            .method(method, body)
            .header("content-type", "application/json")
            .timeout(CALL)
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() >= 300) throw new IOException(method + " " + path + ": " + answer.body());
    return answer.body().isEmpty() ? null : JsonParser.parseString(answer.body()).getAsJsonObject();
  }

  /** What the journal says of one request. A status of 0 says that it has none, and a body of null that it was not read as text. */
  public record Entry(
      long number, long connection, String service, String token, String outcome, int status, String reason,
      boolean may_be_delivered, String body) {}

  /** All entries that fit, read page by page; a filter has the keys service, token, apns_id and stage. */
  public List<Entry> journal(Map<String, String> filter) throws IOException, InterruptedException {
    List<Entry> entries = new ArrayList<>();
    long after = 0;
    for (boolean more = true; more; ) {
      JsonObject page = call("GET", "/v1/journal?limit=1000&after=" + after + query(filter), null);
      JsonArray found = page.getAsJsonArray("entries");
      for (JsonElement entry : found) entries.add(entry(entry.getAsJsonObject()));
      more = page.get("more").getAsBoolean();
      after = page.get("last").getAsLong();
    }
    return entries;
  }

  /** Waits until so many entries fit, and returns all that do; throws when the time is over. */
  public List<Entry> await(int count, Duration timeout, Map<String, String> filter)
      throws IOException, InterruptedException {
    String path = "/v1/journal?limit=1&wait=" + count + "&timeout=" + timeout.toMillis() + "ms" + query(filter);
    if (!call("GET", path, null).get("reached").getAsBoolean()) {
      throw new IOException("the journal has fewer than " + count + " entries with " + filter + " after " + timeout);
    }
    return journal(filter);
  }

  public void clearJournal() throws IOException, InterruptedException {
    call("DELETE", "/v1/journal", null);
  }

  /** Scripts a fault, as {@code {"fault": {"refuse": "unavailable"}, "times": 20}}; gives its number. */
  public long fault(String rule) throws IOException, InterruptedException {
    return call("POST", "/v1/faults", rule).get("id").getAsLong();
  }

  public void clearFaults() throws IOException, InterruptedException {
    call("DELETE", "/v1/faults", null);
  }

  /** Sets what becomes of the pushes to a token, as {@code fate("apns", "0a01", "{\"like\": \"dead\"}")}. */
  public void fate(String service, String token, String fate) throws IOException, InterruptedException {
    call("PUT", "/v1/fates/" + service + "/" + encode(token), fate);
  }

  /** Moves the clock that judges tokens. */
  public void forward(Duration by) throws IOException, InterruptedException {
    call("POST", "/v1/clock", gson.toJson(Map.of("forward", by.toMillis() + "ms")));
  }

  /** Ends the provider tokens and access tokens that were seen so far; new ones are good. */
  public void expireTokens() throws IOException, InterruptedException {
    call("POST", "/v1/tokens/expire", null);
  }

  /** Everything is as it was at the start. */
  public void reset() throws IOException, InterruptedException {
    call("POST", "/v1/reset", null);
  }

  /** Gson 2.9 and older cannot fill records, so it is done here. */
  private static Entry entry(JsonObject o) {
    return new Entry(
        o.get("number").getAsLong(), o.get("connection").getAsLong(), o.get("service").getAsString(),
        text(o.get("token")), o.get("outcome").getAsString(),
        o.get("status").isJsonNull() ? 0 : o.get("status").getAsInt(), text(o.get("reason")),
        o.get("may_be_delivered").getAsBoolean(), body(o.get("read")));
  }

  private static String body(JsonElement read) {
    if (read.isJsonNull() || read.getAsJsonObject().get("body").isJsonNull()) return null;
    JsonElement text = read.getAsJsonObject().getAsJsonObject("body").get("text");
    return text == null ? null : text.getAsString();
  }

  private static String text(JsonElement element) {
    return element.isJsonNull() ? null : element.getAsString();
  }

  private static String query(Map<String, String> filter) {
    StringBuilder query = new StringBuilder();
    filter.forEach((name, value) -> query.append('&').append(name).append('=').append(encode(value)));
    return query.toString();
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Gives tests the simulator of the run, reset before each. */
  public static final class Extension implements BeforeEachCallback, ParameterResolver {
    /** JUnit closes what its root store holds when the run is over. */
    private record Running(FanfareSimulator simulator)
        implements ExtensionContext.Store.CloseableResource, AutoCloseable {
      @Override
      public void close() throws IOException {
        simulator.close();
      }
    }

    private static FanfareSimulator running(ExtensionContext context) {
      return context
          .getRoot()
          .getStore(ExtensionContext.Namespace.create(FanfareSimulator.class))
          .getOrComputeIfAbsent(Running.class, key -> begin(), Running.class)
          .simulator();
    }

    /** The flags are the words of the system property {@code fanfare.simulate}. */
    private static Running begin() {
      String flags = System.getProperty("fanfare.simulate", "").trim();
      try {
        return new Running(FanfareSimulator.start(flags.isEmpty() ? new String[0] : flags.split("\\s+")));
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
      running(context).reset();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      Class<?> type = parameter.getParameter().getType();
      return type == FanfareSimulator.class || type == FanfareGateway.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      FanfareSimulator simulator = running(context);
      if (parameter.getParameter().getType() == FanfareSimulator.class) return simulator;
      // JUnit closes what the store of a test holds when the test is over.
      return context
          .getStore(ExtensionContext.Namespace.create(FanfareGateway.class))
          .getOrComputeIfAbsent(FanfareGateway.class, key -> FanfareGateway.start(simulator), FanfareGateway.class);
    }
  }
}
