module bench/reverseproxy

go 1.26
