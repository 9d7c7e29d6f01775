package balancers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// table collects the figures of tests that run side by side.
type table struct {
	columns []string
	lock    sync.Mutex
	rows    []string
}

var (
	faults = &table{columns: []string{"drained and killed", "calls", "accepted", "ended otherwise", "of which arrived",
		"ended so by drains", "repeated by policy", "by grpc-go", "doubled"}}
	batches  = &table{columns: []string{"a large batch", "items", "accepted", "arrived", "doubled"}}
	quiet    = &table{columns: []string{"a quiet batch", "cut without progress", "with progress"}}
	rollouts = &table{columns: []string{"rolling restart", "calls", "refused", "by status", "repeated by grpc-go",
		"longest call", "items", "refused", "streams", "told draining", "handed in anew", "lost", "doubled"}}
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, table := range []*table{batches, quiet, rollouts, faults} {
		table.show()
	}
	os.Exit(code)
}

func (t *table) add(cells ...any) {
	texts := make([]string, len(cells))
	for n, cell := range cells {
		texts[n] = fmt.Sprint(cell)
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.rows = append(t.rows, strings.Join(texts, "\t"))
}

func (t *table) show() {
	if len(t.rows) == 0 {
		return
	}
	slices.Sort(t.rows)
	lines := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(lines, "\n%s\n%s\n", strings.Join(t.columns, "\t"), strings.Join(t.rows, "\n"))
	_ = lines.Flush()
}
