package dev.fanfare.examples;

import dev.fanfare.client.Client;
import dev.fanfare.push.v1.ApnsDevice;
import dev.fanfare.push.v1.Content;
import dev.fanfare.push.v1.Notification;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.Target;
import java.nio.file.Path;

/**
 * Sends one push through the gateway that is named. It uses TLS if FANFARE_CA names the authorities of the gateway, and shows the
 * token that is in FANFARE_TOKEN_FILE.
 */
public final class OnePush {
  public static void main(String[] arguments) throws Exception {
    Push push = Push.newBuilder()
        .setApp("demo")
        .setTarget(Target.newBuilder().setApns(ApnsDevice.newBuilder().setToken("900d0001")))
        .setContent(Content.newBuilder().setNotification(Notification.newBuilder().setTitle("Hello").setBody("World")))
        .build();
    var gateway = Client.builder(arguments[0]);
    String authorities = System.getenv("FANFARE_CA");
    String token = System.getenv("FANFARE_TOKEN_FILE");
    if (authorities == null) gateway.plaintext();
    else gateway.caFile(Path.of(authorities));
    if (token != null) gateway.tokenFile(Path.of(token));
    try (Client client = gateway.build()) {
      var result = client.send(push);
      System.out.println(result.push().getId() + " " + result.verdict().getOutcome());
    }
  }
}
