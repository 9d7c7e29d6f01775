package fanfare

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const contractsCopy = "../../proto/fanfare/push/v1/service_config.json"

// A module cannot embed a file from outside its folder, so there are two copies.
func TestTheServiceConfigIsTheContracts(t *testing.T) {
	contracts, err := os.ReadFile(contractsCopy)
	if err != nil {
		t.Fatal(err)
	}
	if string(contracts) != ServiceConfig {
		t.Errorf("service_config.json differs from the contract's: cp %s .", contractsCopy)
	}
}

func TestGrpcTakesTheServiceConfig(t *testing.T) {
	// grpc.NewClient refuses a default service config that it cannot read.
	channel, err := grpc.NewClient("localhost:1",
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Close(); err != nil {
		t.Error(err)
	}
}

// Every other status may mean that it was only the answer that was lost.
func TestOnlyAbortedIsRepeatedAndNeverABatch(t *testing.T) {
	var config struct {
		MethodConfig []struct {
			Name        []struct{ Service, Method string }
			RetryPolicy struct{ RetryableStatusCodes []string }
		}
	}
	if err := json.Unmarshal([]byte(ServiceConfig), &config); err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, policy := range config.MethodConfig {
		if codes := policy.RetryPolicy.RetryableStatusCodes; !slices.Equal(codes, []string{"ABORTED"}) {
			t.Errorf("expected a policy that repeats ABORTED alone, found %v", codes)
		}
		for _, name := range policy.Name {
			methods = append(methods, name.Method)
		}
	}
	if expected := []string{"SendPush", "SendPushes"}; !slices.Equal(methods, expected) {
		t.Errorf("expected the unary RPCs %v, found %v", expected, methods)
	}
}
