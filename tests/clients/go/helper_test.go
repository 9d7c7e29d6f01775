package clients

import (
	"strings"
	"testing"

	"fanfare.dev/testing/simulator"
)

// What the helper of examples/testing does beside what the outage needs.
func TestHelper(t *testing.T) {
	// A second one beside that of TestMain, as a test without TestMain starts it.
	own := simulator.New(t, "--topic", "com.example.other")
	if own.Topics[0] != "com.example.other" || own.Production == sim.Production {
		t.Errorf("%+v", own.Facts)
	}
	own.ClearJournal(t)
	err := own.Call("POST", "/v1/faults", map[string]any{"fault": map[string]string{"refuse": "nothing"}}, nil)
	if err == nil || !strings.Contains(err.Error(), `"field"`) {
		t.Errorf("a fault that does not exist: %v", err)
	}

	sim.Reset(t)
	sim.Fate(t, "apns", "0a01", `{"like": "dead"}`)
	if response := send(t, apns(t), push("0a01")); response.Reason != "Unregistered" {
		t.Errorf("%+v", response)
	}
}

func TestASimulatorThatDoesNotStartSaysWhy(t *testing.T) {
	if _, err := simulator.Start("--nonsense"); err == nil || !strings.Contains(err.Error(), "--nonsense") {
		t.Errorf("%v", err)
	}
}
