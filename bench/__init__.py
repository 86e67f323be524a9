"""What Rolecall costs: measured beside an application that does nothing, and beside other servers."""
