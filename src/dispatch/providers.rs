//! The one list of all providers, and what is made from it. Dispatch behind it is generic.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::ask::EncodedOnce;
use fanfare_upstream::Party;
use tracing::Span;

use super::look::RouteLook;
use super::{Ask, Dispatcher, Guard, Room, Route, RunMode, Terms, Unsendable};
use crate::feed::RouteFeeds;
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::{AppId, Audience, Body, ProviderKind, PushId, PushResult, Refusal, ToldTarget};
use crate::sharer::Sharer;

/// One push whose target is paired with its route.
pub(crate) struct Push {
    /// The caller's name for it, or one that was made for it.
    pub id: PushId,
    /// Where it goes, and by which route.
    pub destination: Destination,
    /// What it says and how it is treated. The addressees of a multicast share it.
    pub body: Arc<Body>,
}

/// A provider that is in the list at the end of this file.
pub(crate) trait Listed: Provider {
    /// The app's route to targets of this provider.
    fn route(routes: &AppRoutes) -> Option<&Arc<Route<Self>>>
    where
        Self: Sized;

    /// A target with its route. This is the only place where the two meet.
    fn pair(target: Self::Target, route: Arc<Route<Self>>) -> Destination
    where
        Self: Sized;
}

macro_rules! providers {
    ($($provider:ident: $field:ident),+ $(,)?) => {
        /// Every provider.
        pub(crate) const PROVIDERS: &[ProviderKind] = &[$($provider::KIND),+];

        /// Where a push goes: a target, paired with the route of its own provider.
        pub enum Destination {
            $(
                #[doc = concat!("A target of ", stringify!($provider), " and the app's route to it.")]
                $provider(<$provider as Provider>::Target, Arc<Route<$provider>>),
            )+
        }

        /// Where a push goes, as an ingress decoded it. Which provider carries it is known even where its target cannot be
        /// decoded: the guard of its route judges malformed targets.
        #[derive(Debug, Clone)]
        pub enum TargetDraft {
            $(
                #[doc = concat!("A target of ", stringify!($provider), ", or what is wrong with it.")]
                $provider(Result<<$provider as Provider>::Target, Refusal>),
            )+
        }

        impl TargetDraft {
            /// Who carries a push to this target, also where the target itself cannot be decoded.
            pub(crate) fn provider(&self) -> ProviderKind {
                match self {
                    $(Self::$provider(_) => $provider::KIND,)+
                }
            }

            /// Whom the push reaches; none where the target cannot be decoded.
            pub(crate) fn audience(&self) -> Option<Audience<'_>> {
                match self {
                    $(Self::$provider(target) => target.as_ref().ok().map($provider::audience),)+
                }
            }
        }

        impl AppRoutes {
            /// How the app is on each of its providers.
            pub(super) fn look(&self) -> Vec<RouteLook> {
                let mut looks = Vec::new();
                $(looks.extend(self.$field.as_ref().map(|route| route.look()));)+
                looks
            }

            /// Pairs the target of a push with the app's route to it.
            ///
            /// # Errors
            /// Fails if the app has no such provider, or the target could not be decoded.
            pub(crate) fn destination(
                &self,
                push: (&AppId, &PushId),
                target: TargetDraft,
                mode: RunMode,
            ) -> Result<Destination, Unsendable> {
                match target {
                    $(TargetDraft::$provider(target) => self.pair::<$provider>(push, target, mode),)+
                }
            }
        }

        /// The routes of one app.
        #[derive(Debug, Default)]
        pub struct AppRoutes {
            /// The time to live of its pushes that name none.
            pub default_ttl: Option<Duration>,
            $(
                #[doc = concat!("Its route to targets of ", stringify!($provider), ".")]
                pub $field: Option<Arc<Route<$provider>>>,
            )+
        }

        /// The content of a multicast, encoded once for each provider that its addressees need.
        #[derive(Debug, Default)]
        pub(crate) struct Encoded {
            $($field: EncodedOnce<$provider>,)+
        }

        $(
            impl Listed for $provider {
                fn route(routes: &AppRoutes) -> Option<&Arc<Route<Self>>> {
                    routes.$field.as_ref()
                }

                fn pair(target: Self::Target, route: Arc<Route<Self>>) -> Destination {
                    Destination::$provider(target, route)
                }
            }
        )+

        /// It tells targets apart, whichever route leads to them.
        impl Hash for Destination {
            fn hash<H: Hasher>(&self, state: &mut H) {
                match self {
                    $(Self::$provider(target, _) => ($provider::KIND, target).hash(state),)+
                }
            }
        }

        impl Destination {
            /// The guard over the targets of its route.
            #[must_use]
            pub(crate) fn guard(&self) -> &Guard {
                match self {
                    $(Self::$provider(_, route) => route.guard(),)+
                }
            }

            /// Judges the push of this id, which is refused without asking the push service.
            pub(crate) fn refuse(&self, id: &PushId, refusal: Refusal, mode: RunMode) -> Unsendable {
                match self {
                    $(Self::$provider(_, route) => route.refuse(id, refusal, mode),)+
                }
            }

            /// Who is told what becomes of the pushes of its route.
            #[must_use]
            pub(crate) fn feeds(&self) -> &RouteFeeds {
                match self {
                    $(Self::$provider(_, route) => &route.feeds,)+
                }
            }

            /// The target as a feed tells of it.
            #[must_use]
            pub(crate) fn told(&self) -> ToldTarget<'_> {
                match self {
                    $(Self::$provider(target, _) => $provider::tell(target),)+
                }
            }

            /// Its app as one who shares room with others.
            #[must_use]
            pub(crate) fn sharer(&self) -> &Sharer {
                match self {
                    $(Self::$provider(_, route) => route.sharer(),)+
                }
            }

            /// How its app shares the streams of its push service.
            #[must_use]
            pub(crate) fn party(&self) -> Party {
                match self {
                    $(Self::$provider(_, route) => route.party(),)+
                }
            }
        }

        impl Push {
            /// Sends the push and returns its verdict, before the deadline. `encoded` is what it shares with the other
            /// addressees of its multicast, and `parent` the span that its own span is part of.
            ///
            /// # Cancel safety
            /// It is as cancel safe as [`Dispatcher::send`].
            pub(crate) fn send<'a>(
                &'a self,
                dispatcher: &'a Dispatcher,
                encoded: Option<&'a Encoded>,
                terms: &'a Terms,
                parent: Option<&'a Span>,
                room: &'a mut Room,
            ) -> impl Future<Output = PushResult> + Send + 'a {
                // An `async fn` would keep each moved parameter twice.
                async move {
                    let Self { id, destination, body } = self;
                    match destination {
                        $(
                            Destination::$provider(target, route) => {
                                let encoded = encoded.map(|encoded| &encoded.$field);
                                let ask = Ask { id, target, body, encoded, route, terms, parent };
                                dispatcher.send(&ask, room).await
                            }
                        )+
                    }
                }
            }
        }
    };
}

providers! {
    Apns: apns,
    Fcm: fcm,
    WebPush: web_push,
    Mattermost: mattermost,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::provider::{apns, fcm, mattermost, webpush};
    use crate::push::{DeviceToken, RegistrationToken};

    #[test]
    fn a_target_is_told_whole_by_the_field_that_it_stood_in_and_without_keys() {
        let device = DeviceToken::parse("ab".repeat(32)).unwrap();
        let token = RegistrationToken::parse("f:APA91".repeat(20)).unwrap();
        let (environment, topic) = (None, None);
        let device = apns::Device { token: device, environment, topic };
        let channel = apns::Channel { channel_id: "Y2g=".to_owned(), environment: None, topic: None };
        let subscription = webpush::Subscription {
            endpoint: "https://push.example/whole".to_owned(),
            p256dh: b"public".to_vec(),
            auth: b"secret".to_vec(),
        };
        let behind_proxy =
            mattermost::Device { platform: "apple".to_owned(), token: token.clone(), server_id: None };
        let is = |told: ToldTarget<'_>, field: &str, text: &str| {
            assert_eq!((told.field, &*told.text), (field, text));
        };
        is(Apns::tell(&apns::Target::Device(device)), "target.apns.token", &"ab".repeat(32));
        is(Apns::tell(&apns::Target::Channel(channel)), "target.apns_channel.channel_id", "Y2g=");
        let of_fcm = |target: fcm::Target, field: &str, text: &str| is(Fcm::tell(&target), field, text);
        of_fcm(fcm::Target::Token(token.clone()), "target.fcm.registration_token", token.as_str());
        of_fcm(fcm::Target::InstallationId("fid".into()), "target.fcm.fid", "fid");
        of_fcm(fcm::Target::Topic("news".into()), "target.fcm.topic", "news");
        of_fcm(fcm::Target::Condition("'a'".into()), "target.fcm.condition", "'a'");
        is(WebPush::tell(&subscription), "target.web_push.endpoint", "https://push.example/whole");
        let device_id = format!("apple:{}", token.as_str());
        is(Mattermost::tell(&behind_proxy), "target.mattermost.device_id", &device_id);
    }

    #[test]
    fn no_two_providers_have_a_name_or_a_number_of_the_contract_in_common() {
        let names: HashSet<_> = PROVIDERS.iter().map(|kind| kind.name()).collect();
        let numbers: HashSet<_> = PROVIDERS.iter().map(|kind| kind.contract_number()).collect();
        assert_eq!((names.len(), numbers.len()), (PROVIDERS.len(), PROVIDERS.len()));
    }
}
