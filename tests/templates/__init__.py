"""Sites and bodies to put known reports into, and the scores of what is read out of them again."""
