// What a browser does with a push of Fanfare: shows it, and opens its link when it is clicked.
// The members of the object are documented at WebPushOptions in proto/fanfare/push/v1/push.proto.

self.addEventListener("push", (event) => {
  // An empty payload has no data.
  const push = event.data?.json() ?? {};
  event.waitUntil(Promise.all([show(push), badge(push)]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link } = event.notification.data;
  if (link) event.waitUntil(visit(link));
});

// Always shows something: Safari takes the permission away from who does not.
function show({ title, body, image, tag, action, link, data }) {
  return self.registration.showNotification(title ?? "News", {
    body,
    image,
    tag,
    // A newer notification of the same tag is announced as well.
    renotify: tag !== undefined,
    data: { action, link, data },
  });
}

async function badge({ app_badge: count }) {
  if (count !== undefined) await self.navigator.setAppBadge?.(count);
}

// The window that has the page already, else a new one.
async function visit(link) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const window = windows.find(({ url }) => url === link);
  return window ? window.focus() : self.clients.openWindow(link);
}
