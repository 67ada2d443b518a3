document.cookie = "passed=1"; location.reload();
