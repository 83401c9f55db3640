module homerun/e2e/images/contract

go 1.25.0
