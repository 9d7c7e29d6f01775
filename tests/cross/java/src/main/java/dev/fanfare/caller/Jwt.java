package dev.fanfare.caller;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;

/**
 * The issuer that jwks.json belongs to. Its tokens are signed by ES256 as the JDK has it. Source: RFC 7515, section 3, and RFC
 * 7518, section 3.4.
 */
final class Jwt {
  private static final Duration LIFE = Duration.ofMinutes(5);

  private final PrivateKey key;

  Jwt(Path pem) throws Exception {
    String base64 = Files.readString(pem).replaceAll("-----[A-Z ]+-----|\\s", "");
    key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
  }

  /** A token for the gateway that names its caller, and was issued at a time. */
  String issue(String name, Instant at) throws GeneralSecurityException {
    JsonObject header = new JsonObject();
    header.addProperty("alg", "ES256");
    header.addProperty("kid", "corp-1");
    JsonObject claims = new JsonObject();
    claims.addProperty("iss", "https://issuer.example");
    claims.addProperty("aud", "fanfare");
    claims.addProperty("sub", name);
    claims.addProperty("iat", at.getEpochSecond());
    claims.addProperty("exp", at.plus(LIFE).getEpochSecond());
    String signed = base64url(header.toString().getBytes(StandardCharsets.UTF_8)) + '.'
        + base64url(claims.toString().getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
    signature.initSign(key);
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + '.' + base64url(signature.sign());
  }

  private static String base64url(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
