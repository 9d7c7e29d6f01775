// Shows a push of Fanfare in the browser, and opens its link when it is clicked.
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

// Always shows something, because Safari takes the permission away from a page that shows nothing.
function show({ title, body, image, tag, action, link, data }) {
  return self.registration.showNotification(title ?? "News", {
    body,
    image,
    tag,
    // A newer notification with the same tag is announced too, and does not only replace the older one.
    renotify: tag !== undefined,
    data: { action, link, data },
  });
}

async function badge({ app_badge: count }) {
  if (count !== undefined) await self.navigator.setAppBadge?.(count);
}

// Focuses the window that has the page already, or opens a new one.
async function visit(link) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const window = windows.find(({ url }) => url === link);
  return window ? window.focus() : self.clients.openWindow(link);
}
