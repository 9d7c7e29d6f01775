package dev.fanfare.caller;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.PushServiceGrpc.PushServiceBlockingV2Stub;
import dev.fanfare.push.v1.SendBatchRequest;
import dev.fanfare.push.v1.SendPushRequest;
import dev.fanfare.push.v1.SendPushesRequest;
import io.grpc.ManagedChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Each finding of findings.json is the same result by each RPC. */
public final class Findings {
  static final int CALL_SECONDS = 20;

  private static final List<String> wrong = new ArrayList<>();

  private Findings() {}

  public static void main(String[] arguments) throws Exception {
    JsonObject table = JsonParser.parseString(Files.readString(Path.of("../findings.json"))).getAsJsonObject();
    ManagedChannel channel = Gateway.connect(Gateway.env("FANFARE_GRPC"));
    ManagedChannel full = Gateway.connect(Gateway.env("FANFARE_FULL"));
    try {
      List<JsonElement> findings = table.getAsJsonArray("findings").asList();
      results(findings, channel);
      Push good = push(findings.get(0));
      for (JsonElement call : table.getAsJsonArray("calls")) {
        Calls.check(call.getAsJsonObject(), channel, full, good).ifPresent(wrong::add);
      }
    } finally {
      channel.shutdownNow().awaitTermination(CALL_SECONDS, TimeUnit.SECONDS);
      full.shutdownNow().awaitTermination(CALL_SECONDS, TimeUnit.SECONDS);
    }
    wrong.forEach(System.err::println);
    if (!wrong.isEmpty()) throw new AssertionError(wrong.size() + " findings are not as findings.json has them");
    System.out.println("Java: each finding is the same by each RPC");
  }

  private static void results(List<JsonElement> findings, ManagedChannel channel) throws Exception {
    PushServiceBlockingV2Stub stub =
        PushServiceGrpc.newBlockingV2Stub(channel).withWaitForReady().withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    List<Push> pushes = new ArrayList<>();
    List<PushResult> singles = new ArrayList<>();
    for (JsonElement finding : findings) {
      pushes.add(push(finding));
      SendPushRequest request = SendPushRequest.newBuilder().setPush(pushes.get(singles.size())).build();
      singles.add(stub.sendPush(request).getResult());
    }
    SendPushesRequest all = SendPushesRequest.newBuilder().addAllPushes(pushes).build();
    // Where there is more to send, it is compressed.
    PushServiceBlockingV2Stub compressing = stub.withCompression("gzip");
    List<PushResult> together = compressing.sendPushes(all).getResultsList();
    Map<Long, PushResult> streamed = new TreeMap<>();
    var stream = compressing.sendBatch();
    stream.write(SendBatchRequest.newBuilder().addAllPushes(pushes).build());
    stream.halfClose();
    while (stream.hasNext()) {
      stream.read().getResultsList().forEach(result -> streamed.put(result.getIndex(), result));
    }
    for (int n = 0; n < pushes.size(); n++) {
      JsonObject finding = findings.get(n).getAsJsonObject();
      check(finding, "SendPush", singles.get(n));
      check(finding, "SendPushes", together.get(n));
      check(finding, "SendBatch", streamed.get((long) n));
    }
  }

  private static void check(JsonObject finding, String rpc, PushResult result) throws InvalidProtocolBufferException {
    String name = finding.get("name").getAsString() + " by " + rpc;
    String todo = finding.get("todo").getAsString();
    if (!Handler.handle(result).equals(todo)) {
      wrong.add(name + ": expected " + todo + ", found " + Handler.handle(result));
    }
    // Fields that differ by RPC or by time, or are prose, are left out.
    PushResult found =
        result.toBuilder().clearIndex().clearDetail().clearUpstreamId().clearTokenInvalidSince().build();
    PushResult.Builder expected = PushResult.newBuilder();
    JsonFormat.parser().merge(finding.get("result").toString(), expected);
    if (!found.equals(expected.build())) {
      wrong.add(name + ": expected\n" + expected + "found\n" + found);
    }
  }

  static Push push(JsonElement finding) throws InvalidProtocolBufferException {
    Push.Builder push = Push.newBuilder();
    JsonFormat.parser().merge(finding.getAsJsonObject().get("push").toString(), push);
    return push.build();
  }
}
