"""The operational side: the HTTP interface of Tulou CRM."""
