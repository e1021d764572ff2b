"""`python -m api_server`."""

from api_server.main import main

main()
