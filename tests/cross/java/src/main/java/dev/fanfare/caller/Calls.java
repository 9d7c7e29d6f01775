package dev.fanfare.caller;

import com.google.gson.JsonObject;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UInt64Value;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.PushServiceGrpc;
import dev.fanfare.push.v1.PushServiceGrpc.PushServiceBlockingStub;
import dev.fanfare.push.v1.SendPushRequest;
import dev.fanfare.push.v1.SendPushResponse;
import dev.fanfare.push.v1.SendPushesRequest;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import java.util.Collections;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Calls that fail as a whole say why in google.rpc details. */
final class Calls {
  private static final String DOMAIN = "push.fanfare.dev";

  private Calls() {}

  /** What is wrong with how the call ended, if anything. */
  static Optional<String> check(JsonObject expected, Channel channel, Channel full, Push good)
      throws InvalidProtocolBufferException {
    String name = expected.get("name").getAsString();
    try {
      call(name, channel, full, good);
      return Optional.of(name + ": the call ended well");
    } catch (StatusRuntimeException error) {
      JsonObject found = new JsonObject();
      found.addProperty("name", name);
      found.addProperty("code", error.getStatus().getCode().name());
      found.addProperty("field", "");
      Status status = StatusProto.fromThrowable(error);
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          found.addProperty("reason", info.getReason());
          if (!info.getDomain().equals(DOMAIN)) return Optional.of(name + ": the domain " + info.getDomain());
        }
        if (detail.is(BadRequest.class)) {
          found.addProperty("field", detail.unpack(BadRequest.class).getFieldViolations(0).getField());
        }
      }
      return found.equals(expected) ? Optional.empty() : Optional.of("expected " + expected + ", found " + found);
    }
  }

  private static void call(String name, Channel channel, Channel full, Push good) {
    PushServiceBlockingStub stub = bounded(PushServiceGrpc.newBlockingStub(channel));
    switch (name) {
      case "no push" -> stub.sendPush(SendPushRequest.getDefaultInstance());
      case "1,001 pushes" -> {
        var pushes = Collections.nCopies(1001, Push.getDefaultInstance());
        stub.sendPushes(SendPushesRequest.newBuilder().addAllPushes(pushes).build());
      }
      case "bytes that are no message" -> {
        // Field 1 is no number in the contract.
        MethodDescriptor<UInt64Value, SendPushResponse> number =
            PushServiceGrpc.getSendPushMethod()
                .toBuilder(
                    ProtoUtils.marshaller(UInt64Value.getDefaultInstance()),
                    ProtoUtils.marshaller(SendPushResponse.getDefaultInstance()))
                .build();
        ClientCalls.blockingUnaryCall(channel, number, stub.getCallOptions(), UInt64Value.of(1));
      }
      case "a full gateway" -> bounded(PushServiceGrpc.newBlockingStub(full))
          .sendPush(SendPushRequest.newBuilder().setPush(good).build());
      default -> throw new IllegalArgumentException("no such call: " + name);
    }
  }

  private static PushServiceBlockingStub bounded(PushServiceBlockingStub stub) {
    return stub.withWaitForReady().withDeadlineAfter(Findings.CALL_SECONDS, TimeUnit.SECONDS);
  }
}
