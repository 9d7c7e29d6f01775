// Sends a push to every device of an SQLite table, and takes dead ones out of it: go run ./deadtokens GATEWAY DATABASE
//
// A database without the table gets one with a thousand devices, of which the simulator knows every tenth as dead.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"math"
	"os"
	"slices"

	_ "modernc.org/sqlite"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

func main() {
	client, err := fanfare.NewClient(os.Args[1], fanfare.Options{Plaintext: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	db, err := sql.Open("sqlite", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := cleanUp(context.Background(), client, db); err != nil {
		log.Fatal(err)
	}
}

func cleanUp(ctx context.Context, client *fanfare.Client, db *sql.DB) error {
	if err := demoDevices(ctx, db); err != nil {
		return err
	}
	pushes, err := pushesToAll(ctx, db)
	if err != nil {
		return err
	}
	deleted, setAside := int64(0), int64(0)
	for result, err := range client.SendBatch(ctx, slices.Values(pushes)) {
		if err != nil {
			return err
		}
		token := result.Push.GetTarget().GetApns().GetToken()
		switch {
		case result.Dead():
			// A token that was registered again since then is alive.
			since := int64(math.MaxInt64)
			if invalid := result.Verdict.GetTokenInvalidSince(); invalid != nil {
				since = invalid.GetSeconds()
			}
			deleted, err = count(deleted, db, "DELETE FROM devices WHERE token = ? AND registered_at <= ?", token, since)
		case result.Verdict.GetTokenAction() == pushv1.TokenAction_TOKEN_ACTION_QUARANTINE:
			// So many look dead that the configuration may be wrong.
			setAside, err = count(setAside, db, "UPDATE devices SET set_aside = 1 WHERE token = ?", token)
		}
		if err != nil {
			return err
		}
	}
	fmt.Printf("%d pushes, %d devices deleted, %d set aside\n", len(pushes), deleted, setAside)
	return nil
}

func count(before int64, db *sql.DB, statement string, arguments ...any) (int64, error) {
	done, err := db.Exec(statement, arguments...)
	if err != nil {
		return before, err
	}
	rows, err := done.RowsAffected()
	return before + rows, err
}

func pushesToAll(ctx context.Context, db *sql.DB) ([]*pushv1.Push, error) {
	rows, err := db.QueryContext(ctx, "SELECT token FROM devices WHERE NOT set_aside")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pushes []*pushv1.Push
	for rows.Next() {
		var token string
		if err := rows.Scan(&token); err != nil {
			return nil, err
		}
		pushes = append(pushes, &pushv1.Push{
			App:     "demo",
			Target:  &pushv1.Target{Target: &pushv1.Target_Apns{Apns: &pushv1.ApnsDevice{Token: token}}},
			Content: &pushv1.Content{Notification: &pushv1.Notification{Title: "Hello"}},
		})
	}
	return pushes, rows.Err()
}

func demoDevices(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS devices (
			token TEXT PRIMARY KEY, registered_at INTEGER NOT NULL, set_aside INTEGER NOT NULL DEFAULT 0);
		WITH RECURSIVE numbers (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 999)
		INSERT INTO devices (token, registered_at)
		SELECT CASE n % 10 WHEN 0 THEN 'dead' ELSE '600d' END || printf('%060x', n), 1700000000
		FROM numbers WHERE NOT EXISTS (SELECT 1 FROM devices)`)
	return err
}
