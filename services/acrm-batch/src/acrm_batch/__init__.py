"""The analytical side: from landing files to indicators, tags and coverage."""
