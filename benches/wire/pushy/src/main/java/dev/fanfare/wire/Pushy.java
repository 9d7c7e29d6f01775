package dev.fanfare.wire;

import com.eatthepath.pushy.apns.ApnsClient;
import com.eatthepath.pushy.apns.ApnsClientBuilder;
import com.eatthepath.pushy.apns.DeliveryPriority;
import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.PushType;
import com.eatthepath.pushy.apns.auth.ApnsSigningKey;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A loop of PUSHY to the stand-in: {@code Pushy PORT CA IN_FLIGHT BODY_BYTES WARM_PUSHES SECTION_MS}.
 *
 * <p>It tells its parent of each step in the lines that {@code child.rs} describes, and ends when its standard input does.
 * The next push is sent from the callback of the answer before it, on PUSHY's own thread, which costs PUSHY the least.
 */
final class Pushy {
    private static final String TOPIC = "com.example.bench";
    private static final String TOKEN = "900d00000000000000000000000000000000000000000000000000000000";

    /** How many device tokens there are: too many for the peer's table of headers to hold them all. */
    private static final int DEVICES = 4_096;

    /** After so many failures the run tells nothing, and it ends. */
    private static final int MOST_FAILURES = 1_000;

    /** How long the process lives at most, and how long its end waits for answers. */
    private static final long LONGEST_SECONDS = 300;
    private static final long DRAIN_SECONDS = 10;

    /** Latencies are counted in microseconds, and longer ones as the longest. */
    private static final int LONGEST_MICROS = 1_000_000;

    private final ApnsClient client;
    private final String payload;
    private final String[] tokens = new String[DEVICES];
    private final long warmPushes;
    private final CountDownLatch warm = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private final int[] latencies = new int[LONGEST_MICROS + 1];

    // These are written by PUSHY's one thread, and read by others.
    private volatile long sent;
    private volatile long completed;
    private volatile long failed;
    private volatile boolean measuring;
    private volatile boolean stopping;

    private Pushy(int port, String ca, int inFlight, int bytes, long warmPushes) throws Exception {
        KeyPairGenerator keys = KeyPairGenerator.getInstance("EC");
        keys.initialize(new ECGenParameterSpec("secp256r1"));
        ECPrivateKey key = (ECPrivateKey) keys.generateKeyPair().getPrivate();
        client = new ApnsClientBuilder()
            .setApnsServer("localhost", port)
            .setTrustedServerCertificateChain(new ByteArrayInputStream(ca.getBytes(StandardCharsets.US_ASCII)))
            .setSigningKey(new ApnsSigningKey("ABC123DEFG", "DEF123GHIJ", key))
            .build();
        String frame = "{\"aps\":{\"alert\":{\"title\":\"Fanfare\",\"body\":\"\"}}}";
        String text = "x".repeat(Math.max(0, bytes - frame.length()));
        payload = frame.replace("\"body\":\"\"", "\"body\":\"" + text + "\"");
        this.warmPushes = warmPushes;
        for (int device = 0; device < DEVICES; device++) {
            tokens[device] = TOKEN + String.format("%08x", device);
        }
        // PUSHY's thread alone counts from here on.
        sent = inFlight;
        for (int number = 0; number < inFlight; number++) {
            send(number);
        }
    }

    private void send(long number) {
        long begun = System.nanoTime();
        SimpleApnsPushNotification push = new SimpleApnsPushNotification(
            tokens[(int) (number % DEVICES)], TOPIC, payload, null, DeliveryPriority.IMMEDIATE, PushType.ALERT, null,
            new UUID(0x4000L, 0x8000_0000_0000_0000L | number));
        client.sendNotification(push).whenComplete((answer, error) -> ended(answer, error, begun));
    }

    private void ended(
        PushNotificationResponse<SimpleApnsPushNotification> answer, Throwable error, long begun) {
        if (error == null && answer.isAccepted()) {
            completed++;
            if (measuring) {
                long micros = (System.nanoTime() - begun) / 1_000;
                latencies[(int) Math.min(micros, LONGEST_MICROS)]++;
            }
            if (completed == warmPushes) {
                warm.countDown();
            }
        } else {
            failed++;
            if (failed == 1) {
                System.err.println(error == null ? answer.toString() : error.toString());
            }
            if (failed > MOST_FAILURES) {
                tell("{\"Failed\":\"PUSHY fails; its first failure is on standard error\"}");
                System.exit(1);
            }
        }
        if (!stopping) {
            send(sent++);
        } else if (completed + failed == sent) {
            drained.countDown();
        }
    }

    private void measure(long sectionMillis) throws Exception {
        warm.await();
        long completedBefore = completed;
        long failedBefore = failed;
        measuring = true;
        long begun = System.nanoTime();
        tell("\"Begun\"");
        Thread.sleep(sectionMillis);
        measuring = false;
        double seconds = (System.nanoTime() - begun) / 1e9;
        tell(String.format(
            "{\"Ended\":{\"completed\":%d,\"failed\":%d,\"seconds\":%s,\"p50_us\":%d,\"p99_us\":%d,\"p999_us\":%d}}",
            completed - completedBefore, failed - failedBefore, seconds, micros(0.5), micros(0.99), micros(0.999)));
        stopping = true;
        drained.await(DRAIN_SECONDS, TimeUnit.SECONDS);
        tell(String.format(
            "{\"Drained\":{\"sent\":%d,\"completed\":%d,\"failed\":%d,\"failures\":[]}}", sent, completed, failed));
    }

    private int micros(double quantile) {
        long all = 0;
        for (int count : latencies) {
            all += count;
        }
        long below = 0;
        for (int micros = 0; micros < latencies.length; micros++) {
            below += latencies[micros];
            if (below >= quantile * all) {
                return micros;
            }
        }
        return LONGEST_MICROS;
    }

    private static synchronized void tell(String line) {
        System.out.println(line);
        System.out.flush();
    }

    public static void main(String[] words) throws Exception {
        Instant started = Instant.now();
        Pushy pushy = new Pushy(
            Integer.parseInt(words[0]), words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]),
            Long.parseLong(words[4]));
        tell("{\"Ready\":{\"port\":0,\"ca\":null}}");
        Thread counts = new Thread(pushy::answer);
        counts.setDaemon(true);
        counts.start();
        Thread bound = new Thread(() -> end(started));
        bound.setDaemon(true);
        bound.start();
        pushy.measure(Long.parseLong(words[5]));
        // The parent reads what the kernel knows of this process before it closes the input.
        counts.join();
    }

    /** Says what is counted whenever a line comes, and ends the process when no more can. */
    private void answer() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            while (input.readLine() != null) {
                tell("{\"Counts\":{\"completed\":" + completed + "}}");
            }
        } catch (java.io.IOException gone) {
            // A parent that is gone needs no counts.
        }
        System.exit(0);
    }

    private static void end(Instant started) {
        try {
            Thread.sleep(TimeUnit.SECONDS.toMillis(LONGEST_SECONDS));
        } catch (InterruptedException early) {
            // It ends all the same.
        }
        tell("{\"Failed\":\"PUSHY ran since " + started + ", which is too long\"}");
        System.exit(1);
    }
}
