module fanfare.dev/testing/simulator

go 1.22
