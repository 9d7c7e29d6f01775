import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A running {@code fanfare serve} that sends to a simulator. Its app is called {@code demo}. */
public final class FanfareGateway implements ExtensionContext.Store.CloseableResource, AutoCloseable {
  private static final Duration START = Duration.ofSeconds(20);
  private static final Duration END = Duration.ofSeconds(20);

  private final Process process;
  private final JsonObject facts;

  private FanfareGateway(Process process, JsonObject facts) {
    this.process = process;
    this.facts = facts;
  }

  /** Starts one. It remembers who failed, so give each test its own. */
  public static FanfareGateway start(FanfareSimulator simulator) {
    try {
      Path ready = Files.createTempFile(simulator.path(""), "gateway-", ".json");
      Files.delete(ready);
      List<String> words =
          List.of("serve", "--config", simulator.path("fanfare.toml").toString(), "--ready-file", ready.toString());
      var ports = Map.of("FANFARE__GRPC__LISTEN", "127.0.0.1:0", "FANFARE__ADMIN__LISTEN", "127.0.0.1:0");
      Process process = start(words, ready, ports);
      return new FanfareGateway(process, JsonParser.parseString(Files.readString(ready)).getAsJsonObject());
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** The address at which callers connect. */
  public String grpc() {
    return facts.get("grpc").getAsString();
  }

  /** The address of its status and metrics. */
  public String admin() {
    return facts.get("admin").getAsString();
  }

  /** Ends the process, which lets the pushes in flight come to their verdicts. */
  @Override
  public void close() {
    end(process);
  }

  /**
   * Starts {@code fanfare WORDS}; FANFARE_BIN names the binary where it is not on the path. It has started when it has written
   * its facts, which it does in one step.
   */
  static Process start(List<String> words, Path facts, Map<String, String> variables) throws IOException {
    List<String> command = new ArrayList<>(List.of(System.getenv().getOrDefault("FANFARE_BIN", "fanfare")));
    command.addAll(words);
    Path log = Path.of(facts + ".log");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(variables);
    Process process = builder.start();
    Instant deadline = Instant.now().plus(START);
    try {
      while (!Files.exists(facts)) {
        if (!process.isAlive() || Instant.now().isAfter(deadline)) {
          throw new IOException("fanfare " + words.get(0) + " did not start: " + Files.readString(log));
        }
        Thread.sleep(20);
      }
      return process;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
      throw new IOException(interrupted);
    } catch (IOException failed) {
      process.destroyForcibly();
      throw failed;
    }
  }

  /** Ends a process, which lets what is under way be answered. */
  static void end(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(END.toMillis(), TimeUnit.MILLISECONDS)) process.destroyForcibly();
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
