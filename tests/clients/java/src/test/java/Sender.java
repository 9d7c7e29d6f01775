import com.eatthepath.pushy.apns.ApnsClient;
import com.eatthepath.pushy.apns.ApnsClientBuilder;
import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.auth.ApnsSigningKey;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.URI;

/** PUSHY at the simulator's address and with its CA, both by PUSHY's own settings. */
final class Sender implements AutoCloseable {
  static final String PAYLOAD = "{\"aps\":{\"alert\":\"Hello\"}}";

  /** Shared, because one that ends waits two seconds for stragglers. */
  private static final EventLoopGroup THREADS = new NioEventLoopGroup(1, new DefaultThreadFactory("pushy", true));

  final ApnsClient client;
  final String topic;

  Sender(FanfareSimulator simulator) throws Exception {
    URI address = URI.create(simulator.fact("production"));
    topic = simulator.facts().getAsJsonArray("topics").get(0).getAsString();
    client =
        new ApnsClientBuilder()
            .setEventLoopGroup(THREADS)
            .setApnsServer(address.getHost(), address.getPort())
            .setTrustedServerCertificateChain(simulator.path("ca.pem").toFile())
            .setSigningKey(
                ApnsSigningKey.loadFromPkcs8File(
                    simulator.path("AuthKey.p8").toFile(), simulator.fact("team_id"), simulator.fact("key_id")))
            .build();
  }

  static String device(int number) {
    return String.format("0a%062x", number);
  }

  SimpleApnsPushNotification push(String token) {
    return new SimpleApnsPushNotification(token, topic, PAYLOAD);
  }

  PushNotificationResponse<SimpleApnsPushNotification> send(String token) throws Exception {
    return client.sendNotification(push(token)).get();
  }

  @Override
  public void close() throws Exception {
    client.close().get();
  }
}
