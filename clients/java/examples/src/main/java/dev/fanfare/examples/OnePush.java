package dev.fanfare.examples;

import dev.fanfare.client.Client;
import dev.fanfare.push.v1.ApnsDevice;
import dev.fanfare.push.v1.Content;
import dev.fanfare.push.v1.Notification;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.Target;

/** Sends one push through the gateway that is named. */
public final class OnePush {
  public static void main(String[] arguments) throws Exception {
    Push push = Push.newBuilder()
        .setApp("demo")
        .setTarget(Target.newBuilder().setApns(ApnsDevice.newBuilder().setToken("900d0001")))
        .setContent(Content.newBuilder().setNotification(Notification.newBuilder().setTitle("Hello").setBody("World")))
        .build();
    try (Client client = Client.builder(arguments[0]).plaintext().build()) {
      var result = client.send(push);
      System.out.println(result.push().getId() + " " + result.verdict().getOutcome());
    }
  }
}
