package dev.fanfare.caller;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A channel to a gateway, with the contract's service config. */
final class Gateway {
  private Gateway() {}

  static ManagedChannel connect(String address) throws IOException {
    return connect(address, InsecureChannelCredentials.create());
  }

  static ManagedChannel connect(String address, ChannelCredentials credentials) throws IOException {
    // grpc-java takes a map of strings, doubles, booleans, lists and maps, which is what Gson reads.
    String json = Files.readString(Path.of(env("FANFARE_PROTO"), "fanfare/push/v1/service_config.json"));
    Map<String, ?> serviceConfig = new Gson().fromJson(json, new TypeToken<Map<String, ?>>() {}.getType());
    return Grpc.newChannelBuilder("dns:///" + address, credentials)
        .defaultServiceConfig(serviceConfig)
        .build();
  }

  static String env(String name) {
    String value = System.getenv(name);
    if (value == null) throw new IllegalStateException(name + " is not set: run tests/cross/run");
    return value;
  }
}
