"""AWS's facts as data: actions, resource types, condition keys, managed policies."""
