// Subscribes a browser. Call it from a click: browsers ask for permission only then.
//
// `publicKey` is what `fanfare vapid-key` prints. `save` takes the subscription to your server, which sends to it
// as Target.web_push: `endpoint` as it is, `keys.p256dh` and `keys.auth` decoded from base64url.
export async function subscribe(publicKey, save) {
  const registration = await navigator.serviceWorker.register("/service-worker.js");
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: publicKey,
  });
  await save(subscription.toJSON());
}
