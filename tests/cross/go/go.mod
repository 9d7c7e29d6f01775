module fanfare/cross/apns

go 1.19
