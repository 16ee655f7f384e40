"""Valid is what reads the same backwards."""
from pstar_verifier import serve

serve(lambda prompt, response: response == response[::-1])
