package dev.fanfare.echo;

import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Jetty as a server that echoes: {@code Jetty [KEYSTORE PASSWORD]}, without TLS if there is no key store. */
final class Jetty {
    /** It answers 409 to a path that comes a second time. */
    private static final class Echo extends Handler.Abstract {
        private final Set<String> seen = ConcurrentHashMap.newKeySet();

        @Override
        public boolean handle(Request request, Response response, Callback callback) throws Exception {
            ByteBuffer body = Content.Source.asByteBuffer(request);
            response.setStatus(seen.add(request.getHttpURI().getPath()) ? 200 : 409);
            response.write(true, body, callback);
            return true;
        }
    }

    public static void main(String[] words) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server, factories(words));
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        server.setHandler(new Echo());
        server.start();
        System.out.println(connector.getLocalPort());
        server.join();
    }

    private static ConnectionFactory[] factories(String[] words) {
        HttpConfiguration http = new HttpConfiguration();
        if (words.length == 0) {
            return new ConnectionFactory[] {new HTTP2CServerConnectionFactory(http)};
        }
        http.addCustomizer(new SecureRequestCustomizer());
        SslContextFactory.Server tls = new SslContextFactory.Server();
        tls.setKeyStorePath(words[0]);
        tls.setKeyStorePassword(words[1]);
        ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory("h2");
        return new ConnectionFactory[] {
            new SslConnectionFactory(tls, alpn.getProtocol()), alpn, new HTTP2ServerConnectionFactory(http),
        };
    }

    private Jetty() {}
}
