package dev.fanfare.examples;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.fanfare.client.Client;
import dev.fanfare.client.Result;
import dev.fanfare.push.v1.Push;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sends a file with a push in ProtoJSON on each line through the gateway that is named, and writes what became of each. */
public final class BatchOfAFile {
  public static void main(String[] arguments) throws Exception {
    try (Client client = Client.builder(arguments[0]).plaintext().build();
        var lines = Files.lines(Path.of(arguments[1]));
        var batch = client.sendBatch(lines.map(BatchOfAFile::push).iterator())) {
      for (Result result : batch) {
        String outcome = result instanceof Result.Answered answered ? " " + answered.verdict().getOutcome() : "";
        System.out.println(result.push().getId() + " " + result.getClass().getSimpleName() + outcome);
      }
    }
  }

  private static Push push(String line) {
    try {
      Push.Builder push = Push.newBuilder();
      JsonFormat.parser().merge(line, push);
      return push.build();
    } catch (InvalidProtocolBufferException error) {
      throw new UncheckedIOException(error);
    }
  }
}
