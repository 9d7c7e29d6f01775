package dev.fanfare.examples;

import dev.fanfare.client.Client;
import dev.fanfare.client.Result;
import dev.fanfare.push.v1.ApnsDevice;
import dev.fanfare.push.v1.Content;
import dev.fanfare.push.v1.Notification;
import dev.fanfare.push.v1.Push;
import dev.fanfare.push.v1.Target;
import dev.fanfare.push.v1.TokenAction;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Sends a push to every device of an SQLite table, and takes dead ones out of it. A database without the table gets one with a
 * thousand devices, of which the simulator knows every tenth as dead.
 */
public final class DeadTokens {
  public static void main(String[] arguments) throws Exception {
    try (Client client = Client.builder(arguments[0]).plaintext().build();
        Connection db = DriverManager.getConnection("jdbc:sqlite:" + arguments[1])) {
      makeDevices(db);
      List<Push> pushes = pushes(db);
      int deleted = 0;
      int setAside = 0;
      try (var delete = db.prepareStatement("DELETE FROM devices WHERE token = ? AND registered_at <= ?");
          var set = db.prepareStatement("UPDATE devices SET set_aside = 1 WHERE token = ?");
          var batch = client.sendBatch(pushes.iterator())) {
        for (Result result : batch) {
          if (!(result instanceof Result.Answered answered)) continue;
          var verdict = answered.verdict();
          String token = result.push().getTarget().getApns().getToken();
          if (result.isDead()) {
            delete.setString(1, token);
            // A token that was registered again since then is alive.
            delete.setLong(2, verdict.hasTokenInvalidSince() ? verdict.getTokenInvalidSince().getSeconds() : Long.MAX_VALUE);
            deleted += delete.executeUpdate();
          } else if (verdict.getTokenAction() == TokenAction.TOKEN_ACTION_QUARANTINE) {
            // So many look dead that the configuration may be wrong.
            set.setString(1, token);
            setAside += set.executeUpdate();
          }
        }
      }
      System.out.printf("%d pushes, %d devices deleted, %d set aside%n", pushes.size(), deleted, setAside);
    }
  }

  private static List<Push> pushes(Connection db) throws SQLException {
    List<Push> pushes = new ArrayList<>();
    try (var select = db.createStatement(); var rows = select.executeQuery("SELECT token FROM devices WHERE NOT set_aside")) {
      while (rows.next()) {
        pushes.add(Push.newBuilder()
            .setApp("demo")
            .setTarget(Target.newBuilder().setApns(ApnsDevice.newBuilder().setToken(rows.getString(1))))
            .setContent(Content.newBuilder().setNotification(Notification.newBuilder().setTitle("Hello")))
            .build());
      }
    }
    return pushes;
  }

  private static void makeDevices(Connection db) throws SQLException {
    try (var make = db.createStatement()) {
      make.executeUpdate(
          "CREATE TABLE IF NOT EXISTS devices ("
              + "token TEXT PRIMARY KEY, registered_at INTEGER NOT NULL, set_aside INTEGER NOT NULL DEFAULT 0)");
      make.executeUpdate("""
          WITH RECURSIVE numbers (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 999)
          INSERT INTO devices (token, registered_at)
          SELECT CASE n % 10 WHEN 0 THEN 'dead' ELSE '600d' END || printf('%060x', n), 1700000000
          FROM numbers WHERE NOT EXISTS (SELECT 1 FROM devices)""");
    }
  }
}
