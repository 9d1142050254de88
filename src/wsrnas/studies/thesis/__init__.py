"""Does a search that looks at more strengths find networks that hold over more of them?"""
