//! Arbitrary pushes, sensible and not, for the properties. Boxed: nested by value they overflow the
//! stack of a test thread.

use std::time::{Duration, SystemTime};

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::push_type::PushType;
use super::{Channel, Device, Target};
use crate::push::{
    ApnsContent, ApnsEnvironment, AppId, Body, Content, CriticalSound, DeviceToken, Expiry,
    InterruptionLevel, LiveActivity, LiveActivityEvent, LocalizedText, Notification, Options, Priority,
};

pub(in crate::provider) fn body() -> BoxedStrategy<Body> {
    (content(), options(), moment())
        .prop_map(|(content, options, accepted_at)| Body {
            app: AppId::parse("shop").unwrap(),
            content,
            options,
            accepted_at,
            labels: crate::push::Labels::new(),
        })
        .boxed()
}

pub(super) fn target() -> BoxedStrategy<Target> {
    let topic =
        || of(select(vec!["com.example.shop", "com.example.news", "else", "ü"]).prop_map(String::from));
    let environment = || of(select(vec![ApnsEnvironment::Production, ApnsEnvironment::Sandbox]));
    let device =
        ("([0-9a-fA-F]{2}){1,256}", environment(), topic()).prop_map(|(token, environment, topic)| {
            Target::Device(Device { token: DeviceToken::parse(token).unwrap(), environment, topic })
        });
    let channel = ("[0-9a-zA-Z+/=]{0,40}|.{0,20}", environment(), topic()).prop_map(
        |(channel_id, environment, topic)| Target::Channel(Channel { channel_id, environment, topic }),
    );
    prop_oneof![device, channel].boxed()
}

/// From long before the epoch to far past the year 9999.
fn moment() -> BoxedStrategy<SystemTime> {
    (any::<bool>(), 0u64..1 << 40)
        .prop_map(|(before, seconds)| {
            let distance = Duration::new(seconds, 999_999_999);
            let epoch = SystemTime::UNIX_EPOCH;
            if before { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }.unwrap_or(epoch)
        })
        .boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![3 => Just(String::new()), 3 => any::<String>(), 1 => "[a-z]{2000}"].boxed()
}

fn localized() -> BoxedStrategy<Option<Box<LocalizedText>>> {
    of((text(), vec(text(), 0..3)).prop_map(|(key, arguments)| Box::new(LocalizedText { key, arguments })))
        .boxed()
}

fn json() -> BoxedStrategy<String> {
    let good = vec![
        "",
        "{}",
        " {\"a\" : [1, \"\\ud800\"]}\n",
        "{\"aps\":{\"alert\":\"hi\"}}",
        "{\"aps\":{\"event\":\"update\",\"content-state\":{}}}",
        "{\"aps\":7,\"aps\":{}}",
        "[]",
        "null",
        "{",
        "{}{}",
    ];
    prop_oneof![4 => select(good).prop_map(String::from), 1 => text(), 1 => "[{}\\[\\]\":,0-9a ]{0,20}"]
        .boxed()
}

fn number() -> BoxedStrategy<Option<f64>> {
    of(prop_oneof![0.0..=1.0, any::<f64>(), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY)]).boxed()
}

pub(in crate::provider) fn notification() -> BoxedStrategy<Notification> {
    let texts = (text(), text(), text(), text(), text(), text(), text());
    (texts, of(any::<u32>()), localized(), localized(), localized())
        .prop_map(|(texts, badge, title_localized, subtitle_localized, body_localized)| {
            let (title, subtitle, body, image, sound, category, thread) = texts;
            Notification {
                title,
                subtitle,
                body,
                image,
                sound,
                badge,
                category,
                thread,
                title_localized,
                subtitle_localized,
                body_localized,
            }
        })
        .boxed()
}

fn live_activity() -> BoxedStrategy<LiveActivity> {
    let event = select(vec![LiveActivityEvent::Start, LiveActivityEvent::Update, LiveActivityEvent::End]);
    let moments = (of(moment()), of(moment()), of(moment()));
    (event, moments, json(), text(), json(), any::<bool>(), text())
        .prop_map(
            |(
                event,
                (timestamp, stale_at, dismiss_at),
                state,
                attributes_type,
                attributes,
                token,
                channel,
            )| {
                LiveActivity {
                    event,
                    timestamp,
                    content_state_json: state,
                    stale_at,
                    dismiss_at,
                    attributes_type,
                    attributes_json: attributes,
                    input_push_token: token,
                    input_push_channel: channel,
                }
            },
        )
        .boxed()
}

fn apns() -> BoxedStrategy<ApnsContent> {
    let push_type = prop_oneof![
        4 => Just(String::new()),
        4 => select(PushType::KNOWN.to_vec()).prop_map(|known| known.name().to_owned()),
        1 => text(),
    ];
    let level = select(vec![
        InterruptionLevel::Passive,
        InterruptionLevel::Active,
        InterruptionLevel::TimeSensitive,
        InterruptionLevel::Critical,
    ]);
    let sound = (text(), number()).prop_map(|(name, volume)| CriticalSound { name, volume });
    let flags = (any::<bool>(), any::<bool>());
    let raw = prop_oneof![3 => Just(String::new()), 1 => json()];
    (push_type, flags, of(level), number(), text(), text(), of(sound), of(live_activity()), raw)
        .prop_map(|(push_type, flags, level, score, window, criteria, sound, live_activity, payload_json)| {
            ApnsContent {
                push_type,
                mutable_content: flags.0,
                content_available: flags.1,
                interruption_level: level,
                relevance_score: score,
                target_content_id: window,
                filter_criteria: criteria,
                critical_sound: sound,
                live_activity,
                payload_json,
                payload_is_own: false,
            }
        })
        .boxed()
}

fn content() -> BoxedStrategy<Content> {
    let key = prop_oneof![8 => any::<String>(), 1 => Just("aps".to_owned()), 1 => Just("image".to_owned())];
    (of(notification()), btree_map(key, text(), 0..4), of(apns()))
        .prop_map(|(notification, data, apns)| Content {
            notification,
            data,
            apns: apns.map(Box::new),
            ..Content::default()
        })
        .boxed()
}

pub(in crate::provider) fn options() -> BoxedStrategy<Options> {
    let priority = of(select(vec![Priority::High, Priority::Normal, Priority::Low]));
    let expiry = prop_oneof![Just(Expiry::Default), Just(Expiry::NoStore), moment().prop_map(Expiry::At)];
    (priority, expiry, text())
        .prop_map(|(priority, expiry, collapse_key)| Options {
            priority,
            expiry,
            collapse_key,
            ..Options::default()
        })
        .boxed()
}
