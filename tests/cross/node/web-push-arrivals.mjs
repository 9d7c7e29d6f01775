// Pushes to browsers, and the messages that arrive for them.

import { APP } from './identity.mjs'

/** A push to a subscription. */
export const push = (webPush, content = { notification: { title: 'Hello' } }, options = {}) => ({
  app: APP, target: { webPush }, content, options,
})

/** The largest plaintext that a body of 4,096 bytes holds. Source: RFC 8291, 4. */
const LARGEST = 3993

const FOUR_WEEKS = String(4 * 7 * 24 * 60 * 60)

/** By name: content and options of a push, what a service worker reads, and the headers beside it. */
export const ARRIVALS = {
  'a notification': [
    {
      notification: {
        title: 'Zürich', body: 'Line\n"two" 🎺', image: 'https://example.com/i.png', thread: 'news', badge: 3,
        category: 'open',
      },
      data: { order: '17' },
      webPush: { link: 'https://example.com/orders/17' },
    }, {},
    JSON.stringify({
      title: 'Zürich', body: 'Line\n"two" 🎺', image: 'https://example.com/i.png', tag: 'news', app_badge: 3,
      action: 'open', link: 'https://example.com/orders/17', data: { order: '17' },
    }),
    { ttl: FOUR_WEEKS, urgency: 'high', topic: undefined },
  ],
  'data only': [{ data: { a: 'b' } }, {}, '{"data":{"a":"b"}}', { urgency: 'normal' }],
  'raw bytes': [{ webPush: { payload: Buffer.from([0, 1, 2, 255]) } }, {}, Buffer.from([0, 1, 2, 255]), {}],
  'the largest': [{ webPush: { payload: Buffer.alloc(LARGEST, 7) } }, {}, Buffer.alloc(LARGEST, 7), {}],
  'nothing': [
    { webPush: { payload: Buffer.alloc(0) } }, {}, '', { 'content-encoding': undefined, 'content-length': '0' },
  ],
  'a topic and an urgency': [
    { notification: { title: 'Hello' }, webPush: { topic: 'score', urgency: 'WEB_PUSH_URGENCY_VERY_LOW' } },
    { ttl: { seconds: 60 } }, '{"title":"Hello","tag":"score"}',
    // A time to live counts from when the gateway was asked, and is said in whole seconds.
    { topic: 'score', urgency: 'very-low', ttl: /^(60|5\d)$/ },
  ],
  'a collapse key': [{ data: { a: 'b' } }, { collapseKey: 'order-17' }, '{"data":{"a":"b"}}', { topic: 'order-17' }],
}
