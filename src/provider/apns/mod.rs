//! Apple Push Notification service.
