// Package mattermost is a Mattermost server, as far as push notifications go: it writes and reads them by the server's own
// published model.
package mattermost

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

const sendPush = model.APIURLSuffixV1 + "/send_push"

// device is what a session has: the platform and the token. Each has another number.
func device(platform string, number int) string {
	if strings.HasPrefix(platform, "apple") {
		return fmt.Sprintf("%s:900d%060x", platform, number)
	}
	return fmt.Sprintf("%s:ok:%d", platform, number)
}

// notification is one as `sendToPushProxy` makes it, for a device of a session.
func notification(device string) *model.PushNotification {
	made := &model.PushNotification{AckId: model.NewId(), ServerId: model.NewId(), Version: model.PushMessageV2}
	made.SetDeviceIdAndPlatform(device)
	return made
}

// send asks the push proxy, and reads its answer, as `rawSendToPushProxy` does: any status but 200 is an error.
func send(t *testing.T, proxy string, notification *model.PushNotification) model.PushResponse {
	t.Helper()
	status, body := post(t, strings.TrimRight(proxy, "/")+sendPush, notification)
	if status != 200 {
		t.Fatalf("response returned error code: %d %s", status, body)
	}
	var response model.PushResponse
	must(t, json.Unmarshal(body, &response))
	return response
}

func expect(t *testing.T, response model.PushResponse, status string) {
	t.Helper()
	if response[model.PushStatus] != status {
		t.Fatalf("expected %s, found %v", status, response)
	}
}

// Every kind that servers send arrives once, on each platform that servers allow.
func TestEveryKindArrives(t *testing.T) {
	world := start(t)
	message := func(it *model.PushNotification) {
		it.Type, it.Category, it.Message = model.PushTypeMessage, model.CategoryCanReply, "@ann: hi :smile: <b> & \"you\" 🎉"
		it.PostId, it.TeamId, it.ChannelId, it.RootId = model.NewId(), model.NewId(), model.NewId(), model.NewId()
		it.SenderId, it.SenderName, it.ChannelName, it.Badge = model.NewId(), "ann", "Town Square", 3
		it.IsCRTEnabled, it.Signature = true, "header.payload.signature"
	}
	kinds := map[string]func(*model.PushNotification){
		"message": message,
		"webhook": func(it *model.PushNotification) {
			message(it)
			it.OverrideUsername, it.OverrideIconURL, it.FromWebhook = "bot", "https://icons.example/a.png", "true"
		},
		"id loaded": func(it *model.PushNotification) {
			message(it)
			it.IsIdLoaded, it.Message = true, "You've received a new message."
		},
		"long": func(it *model.PushNotification) {
			message(it)
			it.Message = strings.Repeat("<a href=\"x\">&\n", 200)
		},
		"clear": func(it *model.PushNotification) {
			it.Type, it.ContentAvailable, it.ChannelId, it.IsCRTEnabled = model.PushTypeClear, 1, model.NewId(), true
		},
		"badge": func(it *model.PushNotification) {
			it.Type, it.Sound, it.ContentAvailable, it.Badge = model.PushTypeUpdateBadge, model.PushSoundNone, 1, 7
		},
		"session": func(it *model.PushNotification) {
			it.Type, it.Message = model.PushTypeSession, "Session Expired: Please log in"
		},
		"wipe": func(it *model.PushNotification) {
			it.Type, it.Sound, it.ContentAvailable = model.PushTypeSession, model.PushSoundNone, 1
		},
		"test": func(it *model.PushNotification) {
			it.Type, it.Version, it.AckId, it.Badge = model.PushTypeTest, "2", "", -1
		},
		"call": func(it *model.PushNotification) {
			message(it)
			it.SubType, it.Transport = model.PushSubTypeCalls, model.PushTransportVoIP
		},
	}
	number := 0
	for name, change := range kinds {
		for _, platform := range []string{"apple_rn", "apple_rn-v2", "apple_rnbeta-v2", "android_rn", "android_rn-v2"} {
			number++
			to := device(platform, number)
			made := notification(to)
			change(made)
			t.Run(name+" to "+platform, func(t *testing.T) {
				expect(t, send(t, world.proxy+"/", made), model.PushStatusOk)
				if arrived := world.arrived(t, made.DeviceId); len(arrived) != 1 {
					t.Fatalf("%d arrived: %v", len(arrived), arrived)
				}
			})
		}
	}
}

func TestAServerIsToldWhatBecameOfADevice(t *testing.T) {
	world := start(t)
	for to, status := range map[string]string{
		"apple_rn:dead" + strings.Repeat("0", 60): model.PushStatusRemove,
		"android_rn:unregistered:1":               model.PushStatusRemove,
		"apple_rn:0bad" + strings.Repeat("0", 60): model.PushStatusFail,
		"android_rn:mismatch:1":                   model.PushStatusFail,
		"android_rn:invalid:1":                    model.PushStatusFail,
		"apple_rn:":                               model.PushStatusFail,
	} {
		made := notification(to)
		made.Type, made.Message = model.PushTypeMessage, "hi"
		response := send(t, world.proxy, made)
		expect(t, response, status)
		if (status == model.PushStatusFail) == (response[model.PushStatusErrorMsg] == "") {
			t.Errorf("%s: %v", to, response)
		}
	}
	made := notification(device("apple_rn", 1))
	made.ServerId = ""
	if text := send(t, world.proxy, made)[model.PushStatusErrorMsg]; text != "Failed because of missing server Id" {
		t.Error(text)
	}
}

// What is not served here is answered by the other push proxy.
func TestAnotherPlatformIsForwarded(t *testing.T) {
	world := start(t)
	made := notification(device("apple", 1))
	made.Type, made.Message = model.PushTypeMessage, "hi"
	expect(t, send(t, world.proxy, made), model.PushStatusOk)
	unknown := notification("windows:abc")
	response := send(t, world.proxy, unknown)
	expect(t, response, model.PushStatusFail)
	expected := "Did not send message because of missing platform property type=windows serverId=" + unknown.ServerId
	if response[model.PushStatusErrorMsg] != expected {
		t.Error(response)
	}
}

func TestAnAcknowledgementIsTaken(t *testing.T) {
	world := start(t)
	for _, platform := range []string{"ios", "android"} {
		ack := model.PushNotificationAck{
			Id: model.NewId(), ClientReceivedAt: 1, ClientPlatform: platform, NotificationType: model.PushTypeMessage,
		}
		status, body := post(t, world.proxy+model.APIURLSuffixV1+"/ack", ack)
		if status != 200 || string(body) != "{\"status\":\"OK\"}\n" {
			t.Errorf("%d %s", status, body)
		}
	}
}

// A server has nothing but its PushNotificationServer to show who it is.
func TestAURLMayHaveAKey(t *testing.T) {
	world := start(t)
	for number, proxy := range []string{world.withPassword, world.withPath, world.withPath + "/"} {
		made := notification(device("android_rn", number))
		made.Type, made.Message = model.PushTypeMessage, "hi"
		expect(t, send(t, proxy, made), model.PushStatusOk)
	}
	status, _ := post(t, strings.Replace(world.withPath, "/k/", "/k/x", 1)+sendPush, notification(device("android_rn", 9)))
	if status != 401 {
		t.Errorf("a wrong key is answered %d", status)
	}
}
